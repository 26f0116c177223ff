internal import Kernels
internal import Training

/// The combinations of values that a sweep tries, seeds of one setting behind each other.
struct SweepCombinations {
  struct One {
    /// Number of the setting: everything but the seed.
    var setting: Int
    var values: [(parameter: SweepParameter, value: ConfigNode)]
  }

  let all: [One]

  /// - Throws: `TrainingError.config` where there are too many, or a grid has a range.
  init(_ file: SweepFile) throws(TrainingError) {
    let settings = file.settings
    // A list of seeds is crossed with every setting, also with those that chance has drawn.
    let seeds = settings.parameters.first { $0.key.name == "seed" && $0.elements != nil }
    let others = settings.parameters.filter { $0.key.name != "seed" || $0.elements == nil }
    let drawn =
      try settings.method == .grid
      ? Self.grid(others, file.path)
      : Self.random(others, settings)
    let seedValues = seeds?.elements ?? []
    let (count, isHuge) = drawn.count.multipliedReportingOverflow(by: max(1, seedValues.count))
    guard !isHuge, count <= SweepSettings.mostRuns else { throw Self.tooMany(file.path) }
    all = drawn.enumerated().flatMap { index, values in
      guard let seeds else { return [One(setting: index, values: values)] }
      return seedValues.map { One(setting: index, values: values + [(seeds, $0)]) }
    }
  }

  private static func tooMany(_ path: String) -> TrainingError {
    .config([
      ConfigFault(
        location: path,
        message:
          "sweep: more than \(SweepSettings.mostRuns) runs. Give fewer values, or method: random "
          + "with samples")
    ])
  }

  private static func grid(
    _ parameters: [SweepParameter], _ path: String
  ) throws(TrainingError) -> [[(parameter: SweepParameter, value: ConfigNode)]] {
    var all: [[(parameter: SweepParameter, value: ConfigNode)]] = [[]]
    for parameter in parameters {
      guard let elements = parameter.elements else {
        throw .config([
          ConfigFault(
            location: "\(path):\(parameter.line)",
            message:
              "sweep: parameters: \(parameter.key.name): a range needs method: random; a grid "
              + "takes a list")
        ])
      }
      let (count, isHuge) = all.count.multipliedReportingOverflow(by: elements.count)
      guard !isHuge, count <= SweepSettings.mostRuns else { throw tooMany(path) }
      all = all.flatMap { values in elements.map { values + [(parameter, $0)] } }
    }
    return all
  }

  /// As many different ones as asked for, or as many as are found.
  private static func random(
    _ parameters: [SweepParameter], _ settings: SweepSettings
  ) -> [[(parameter: SweepParameter, value: ConfigNode)]] {
    var generator = SplitMix64(seed: UInt64(settings.seed))
    var known: Set<String> = []
    var all: [[(parameter: SweepParameter, value: ConfigNode)]] = []
    for _ in 0..<(20 * settings.samples) where all.count < settings.samples {
      let values = parameters.map { ($0, $0.draw(&generator)) }
      guard known.insert(values.map { $0.1.flow }.joined(separator: "\n")).inserted else {
        continue
      }
      all.append(values.map { (parameter: $0.0, value: $0.1) })
    }
    return all
  }
}

extension SweepParameter {
  /// The values of a list; nil for a range.
  var elements: [ConfigNode]? { if case .list(let elements) = values { elements } else { nil } }
}
