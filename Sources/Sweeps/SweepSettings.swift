internal import Training

/// What the section `sweep:` of a sweep file says.
package struct SweepSettings {
  package enum Method: String, CaseIterable, Sendable {
    /// Every combination of the values.
    case grid
    /// `samples` combinations, drawn by chance.
    case random
  }

  package enum Metric: String, CaseIterable, Sendable {
    case evalLoss = "eval_loss"
    case trainLoss = "train_loss"
  }

  /// A run file whose keys those of the sweep file override.
  package var runFile: String?
  package var method = Method.grid
  package var parameters: [SweepParameter] = []
  /// Settings of a random sweep, each with every seed.
  package var samples = 20
  /// Of the numbers that a random sweep draws.
  package var seed = 0
  /// nil: `eval_loss` where there is held-out data.
  package var metric: Metric?
  /// Steps after which only the best go on, ascending.
  package var rungs: [Int] = []
  /// One of so many goes on.
  package var eta = 3.0

  // How runs are started; may change while a sweep is under way.
  package var ranks: Int?
  /// Options of sbatch; nil runs on this machine.
  package var slurm: [String]?
  /// Starts of a run beyond the first, after failures that may pass.
  package var retries = 2

  package init() {}
}

extension SweepSettings {
  /// Most runs of a sweep.
  package static let mostRuns = 10_000

  /// The keys that say what is run, and not how: they stay the same while a sweep is under way.
  static let lasting: Set = [
    "run", "method", "parameters", "samples", "seed", "metric", "rungs", "eta",
  ]

  private static let known = [
    "run", "method", "parameters", "samples", "seed", "metric", "rungs", "eta", "ranks", "slurm",
    "retries",
  ]

  private mutating func read(_ key: String, _ node: ConfigNode) throws(SweepFault) {
    switch key {
    case "run": runFile = try Self.text(node)
    case "method": method = try Self.choice(node)
    case "samples": samples = try Self.whole(node, 1...Self.mostRuns)
    case "seed": seed = try Self.whole(node, 0...Int.max)
    case "metric": metric = try Self.choice(node) as Metric
    case "rungs": rungs = try Self.steps(node)
    case "eta": eta = try Self.number(node, 1.1...1000)
    case "ranks": ranks = try Self.whole(node, 1...65_536)
    case "slurm": slurm = try Self.words(node)
    case "retries": retries = try Self.whole(node, 0...100)
    default:
      let near = nearest(to: key, among: Self.known)
      throw SweepFault(
        "unknown key\(near.isEmpty ? "; known are " + Self.known.joined(separator: ", ") : near)")
    }
  }

  /// Reads the section; what is wrong is added to `faults`, each with its line.
  init(_ node: ConfigNode, path: String, faults: inout [ConfigFault]) {
    guard case .map(let members) = node.content else {
      faults.append(
        ConfigFault(location: "\(path):\(node.line)", message: "sweep: expected `key: value`"))
      return
    }
    for member in members {
      let location = "\(path):\(member.keyLine)"
      if member.key == "parameters" {
        readParameters(member.value, path: path, faults: &faults)
        continue
      }
      do throws(SweepFault) {
        try read(member.key, member.value)
      } catch {
        faults.append(
          ConfigFault(location: location, message: "sweep: \(member.key): \(error.text)"))
      }
    }
    if parameters.isEmpty, faults.isEmpty {
      faults.append(
        ConfigFault(
          location: "\(path):\(node.line)",
          message: "sweep: parameters: missing; give keys of a run file, each with a list of values"
        ))
    }
  }

  private mutating func readParameters(
    _ node: ConfigNode, path: String, faults: inout [ConfigFault]
  ) {
    guard case .map(let members) = node.content else {
      return faults.append(
        ConfigFault(
          location: "\(path):\(node.line)",
          message: "sweep: parameters: expected keys of a run file, each with a list of values"))
    }
    for member in members {
      do throws(SweepFault) {
        let parameter = try SweepParameter(member.key, member.value, line: member.keyLine)
        if parameters.contains(where: { $0.key.name == parameter.key.name }) {
          throw SweepFault("\(parameter.key.name) is given twice")
        }
        parameters.append(parameter)
      } catch {
        faults.append(
          ConfigFault(
            location: "\(path):\(member.keyLine)", message: "sweep: parameters: \(error.text)"))
      }
    }
  }
}

// Values of the section's keys; what they throw completes `sweep: KEY: ...`.
extension SweepSettings {
  private static func text(_ node: ConfigNode) throws(SweepFault) -> String {
    guard let text = node.scalar, !text.isEmpty else {
      throw SweepFault("expected a text, found \(node.kind)")
    }
    return text
  }

  private static func whole(
    _ node: ConfigNode, _ range: ClosedRange<Int>
  ) throws(SweepFault) -> Int {
    guard let value = node.number.flatMap({ Int(exactly: $0) }), range.contains(value) else {
      let end = range.upperBound == .max ? "on" : "to \(range.upperBound)"
      throw SweepFault(
        "expected a whole number from \(range.lowerBound) \(end), found \(node.kind)")
    }
    return value
  }

  private static func number(
    _ node: ConfigNode, _ range: ClosedRange<Double>
  ) throws(SweepFault) -> Double {
    guard let value = node.number, range.contains(value) else {
      throw SweepFault(
        "expected a number from \(range.lowerBound) to \(range.upperBound), found \(node.kind)")
    }
    return value
  }

  private static func choice<Value: RawRepresentable & CaseIterable>(
    _ node: ConfigNode
  ) throws(SweepFault) -> Value where Value.RawValue == String {
    guard let value = node.scalar.flatMap({ Value(rawValue: $0) }) else {
      let words = Value.allCases.map(\.rawValue).joined(separator: ", ")
      throw SweepFault("\(node.kind) is not one of \(words)")
    }
    return value
  }

  private static func list(_ node: ConfigNode) -> [ConfigNode] {
    if case .list(let elements) = node.content { elements } else { [node] }
  }

  private static func steps(_ node: ConfigNode) throws(SweepFault) -> [Int] {
    var steps: [Int] = []
    for element in list(node).prefix(33) {
      steps.append(try whole(element, 1...Int(Int32.max)))
    }
    guard steps.count <= 32, zip(steps, steps.dropFirst()).allSatisfy({ $0 < $1 }) else {
      throw SweepFault("expected at most 32 steps in rising order")
    }
    return steps
  }

  private static func words(_ node: ConfigNode) throws(SweepFault) -> [String] {
    let words = list(node).compactMap(\.scalar)
    guard words.count == list(node).count, words.count <= 1000 else {
      throw SweepFault("expected a list of options of sbatch, found \(node.kind)")
    }
    return words
  }
}
