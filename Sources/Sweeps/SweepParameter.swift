internal import Glibc
internal import Kernels
package import Training

/// One key that a sweep varies, with the values that it may take.
package struct SweepParameter {
  package enum Values {
    case list([ConfigNode])
    /// Any number from the least to the greatest; for keys of whole numbers whole ones.
    case range(ClosedRange<Double>, isLogarithmic: Bool)
  }

  package var key: ConfigKey
  package var values: Values
  /// Line of the sweep file.
  package var line: Int
}

extension SweepParameter {
  /// Most values that a list may have.
  static let longestList = 10_000

  /// Reads `KEY: [VALUE, ...]` or `KEY: {min: A, max: B, scale: log}`.
  ///
  /// - Throws: what is wrong, for the sentence `parameters: ...`.
  init(_ name: String, _ node: ConfigNode, line: Int) throws(SweepFault) {
    guard let key = ConfigKey.named(name) else {
      let near = nearest(to: name, among: ConfigKey.all.flatMap { [$0.name] + $0.aliases })
      throw SweepFault(
        "unknown key \"\(name)\"\(near.isEmpty ? "; `peqa config` lists all keys" : near)")
    }
    guard !Self.fixed.contains(key.name) else {
      throw SweepFault("\(key.name) is the sweep's own, and cannot vary")
    }
    self.key = key
    self.line = line
    switch node.content {
    case .list(let elements):
      guard !elements.isEmpty, elements.count <= Self.longestList else {
        throw SweepFault("\(name): expected 1 to \(Self.longestList) values")
      }
      values = .list(elements)
    case .map(let members): values = try Self.range(name, members)
    case .scalar: values = .list([node])
    case .null: throw SweepFault("\(name): expected a list of values")
    }
  }

  /// Keys by which the sweep steers its runs.
  private static let fixed: Set = [
    "output_dir", "overwrite_output_dir", "resume", "stop_at_step", "report_to",
  ]

  private static func range(
    _ name: String, _ members: [(key: String, keyLine: Int, value: ConfigNode)]
  ) throws(SweepFault) -> Values {
    let known = ["min", "max", "scale"]
    for member in members where !known.contains(member.key) {
      throw SweepFault(
        "\(name): unknown \"\(member.key)\"\(nearest(to: member.key, among: known)); a range has min, "
          + "max and scale")
    }
    func value(_ key: String) -> ConfigNode? { members.first { $0.key == key }?.value }
    guard let least = value("min")?.number, let most = value("max")?.number, least <= most else {
      throw SweepFault("\(name): a range needs numbers min and max, min not above max")
    }
    let scale = value("scale")?.scalar ?? "linear"
    guard scale == "linear" || scale == "log" else {
      throw SweepFault("\(name): scale is linear or log")
    }
    guard scale == "linear" || least > 0 else {
      throw SweepFault("\(name): scale: log needs a min above 0")
    }
    return .range(least...most, isLogarithmic: scale == "log")
  }

  /// A value drawn with equal chances; of a range with four digits, so that it can be read.
  func draw(_ generator: inout SplitMix64) -> ConfigNode {
    switch values {
    case .list(let elements):
      return elements[Int(generator.unitInterval() * Double(elements.count))]
    case .range(let range, let isLogarithmic):
      let share = generator.unitInterval()
      let (low, high) = (range.lowerBound, range.upperBound)
      let value =
        isLogarithmic ? exp(log(low) + share * (log(high) - log(low))) : low + share * (high - low)
      return ConfigNode(content: .scalar(text(min(max(value, low), high))), line: line)
    }
  }

  private func text(_ value: Double) -> String {
    if key.isWhole, let whole = Int(exactly: value.rounded()) { return String(whole) }
    guard value != 0 else { return "0" }
    let unit = pow(10, floor(log10(abs(value))) - 3)
    // Divided by a power of ten where that is whole, or the digits would not be short.
    return unit >= 1
      ? "\((value / unit).rounded() * unit)" : "\((value / unit).rounded() / (1 / unit).rounded())"
  }
}

/// What is wrong with a value of a sweep file.
struct SweepFault: Error {
  var text: String

  init(_ text: String) { self.text = text }
}
