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
  /// Faults that are listed.
  static let mostFaults = 30

  /// The keys that say what is run, and not how: they stay the same while a sweep is under way.
  static let lasting: Set = [
    "run", "method", "parameters", "samples", "seed", "metric", "rungs", "eta",
  ]

  private static let known = [
    "run", "method", "parameters", "samples", "seed", "metric", "rungs", "eta", "ranks", "slurm",
    "retries",
  ]

  private mutating func read(_ key: String, _ node: ConfigNode) throws(ConfigKindFault) {
    switch key {
    case "run":
      let path = try node.value(.text)
      guard !path.isEmpty else { throw ConfigKindFault(text: "expected the path of a run file") }
      runFile = path
    case "method": method = try node.value(.choice)
    case "samples": samples = try node.value(.whole(1...Self.mostRuns))
    case "seed": seed = try node.value(.whole(0...Int.max))
    case "metric": metric = try node.value(ConfigKind<Metric>.choice)
    case "rungs": rungs = try Self.steps(node)
    case "eta": eta = try node.value(.number(1.1...1000))
    case "ranks": ranks = try node.value(.whole(1...65_536))
    case "slurm": slurm = try Self.options(node)
    case "retries": retries = try node.value(.whole(0...100))
    default:
      let near = nearest(to: key, among: Self.known)
      throw ConfigKindFault(
        text: "unknown key"
          + (near.isEmpty ? "; known are " + Self.known.joined(separator: ", ") : near))
    }
  }

  /// Reads the section; what is wrong is added to `faults`, each with its line.
  init(_ node: ConfigNode, path: String, faults: inout [ConfigFault]) {
    guard case .map(let members) = node.content else {
      faults.append(
        ConfigFault(location: "\(path):\(node.line)", message: "sweep: expected `key: value`"))
      return
    }
    for member in members where faults.count < Self.mostFaults {
      let location = "\(path):\(member.keyLine)"
      if member.key == "parameters" {
        readParameters(member.value, path: path, faults: &faults)
        continue
      }
      do throws(ConfigKindFault) {
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
    for member in members where faults.count < Self.mostFaults {
      do throws(ConfigKindFault) {
        let parameter = try SweepParameter(member.key, member.value, line: member.keyLine)
        if parameters.contains(where: { $0.key.name == parameter.key.name }) {
          throw ConfigKindFault(text: "\(parameter.key.name) is given twice")
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

extension SweepSettings {
  private static let mostRungs = 32

  private static func steps(_ node: ConfigNode) throws(ConfigKindFault) -> [Int] {
    let elements = if case .list(let elements) = node.content { elements } else { [node] }
    var steps: [Int] = []
    for element in elements.prefix(Self.mostRungs + 1) {
      steps.append(try element.value(.whole(1...Int(Int32.max))))
    }
    guard steps.count <= Self.mostRungs, zip(steps, steps.dropFirst()).allSatisfy({ $0 < $1 })
    else {
      throw ConfigKindFault(text: "expected at most \(Self.mostRungs) steps in rising order")
    }
    return steps
  }

  private static func options(_ node: ConfigNode) throws(ConfigKindFault) -> [String] {
    let words = try node.value(.words("a list of options of sbatch"))
    guard words.count <= 1000 else {
      throw ConfigKindFault(text: "\(words.count) options; at most 1000 are passed on")
    }
    return words
  }
}
