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
  init(_ file: SweepFile, limit: Int) throws(TrainingError) {
    let settings = file.settings
    // A list of seeds is crossed with every setting, also with those that chance has drawn.
    let seeds = settings.parameters.first { $0.key.name == "seed" && $0.elements != nil }
    let others = settings.parameters.filter { $0.key.name != "seed" || $0.elements == nil }
    let drawn =
      try settings.method == .grid
      ? Self.grid(others, file.path, limit)
      : Self.random(others, settings)
    let seedValues = seeds?.elements ?? []
    let (count, isHuge) = drawn.count.multipliedReportingOverflow(by: max(1, seedValues.count))
    guard !isHuge, count <= limit else { throw Self.tooMany(file.path, limit) }
    all = drawn.enumerated().flatMap { index, values in
      guard let seeds else { return [One(setting: index, values: values)] }
      return seedValues.map { One(setting: index, values: values + [(seeds, $0)]) }
    }
  }

  private static func tooMany(_ path: String, _ limit: Int) -> TrainingError {
    .config([
      ConfigFault(
        location: path,
        message:
          "sweep: more than \(limit) runs. Give fewer values, or method: random "
          + "with samples")
    ])
  }

  private static func grid(
    _ parameters: [SweepParameter], _ path: String, _ limit: Int
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
      guard !isHuge, count <= limit else { throw tooMany(path, limit) }
      all = all.flatMap { values in elements.map { values + [(parameter, $0)] } }
    }
    return all
  }

  /// As many different ones as asked for, or as many as are found.
  private static func random(
    _ parameters: [SweepParameter], _ settings: SweepSettings
  ) -> [[(parameter: SweepParameter, value: ConfigNode)]] {
    var generator = SplitMix64(seed: UInt64(settings.seed))
    var known: Set<[String]> = []
    var all: [[(parameter: SweepParameter, value: ConfigNode)]] = []
    let firsts = parameters.map { $0.elements.map(Self.firstEquals) }
    for _ in 0..<(20 * settings.samples) where all.count < settings.samples {
      var (values, names) = ([(parameter: SweepParameter, value: ConfigNode)](), [String]())
      for (parameter, firsts) in zip(parameters, firsts) {
        let (value, index) = parameter.draw(&generator)
        values.append((parameter, value))
        names.append(index.flatMap { index in firsts.map { "\($0[index])" } } ?? value.flow)
      }
      if known.insert(names).inserted { all.append(values) }
    }
    return all
  }
}

extension SweepCombinations {
  /// For each value the index of the first that is written like it: values may be long, and are
  /// drawn many times.
  private static func firstEquals(_ elements: [ConfigNode]) -> [Int] {
    var known: [String: Int] = [:]
    return elements.enumerated().map { index, element in
      let text = element.flow
      if let first = known[text] { return first }
      known[text] = index
      return index
    }
  }
}

extension SweepParameter {
  /// The values of a list; nil for a range.
  var elements: [ConfigNode]? { if case .list(let elements) = values { elements } else { nil } }
}
