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
  init(_ name: String, _ node: ConfigNode, line: Int) throws(ConfigKindFault) {
    guard let key = ConfigKey.named(name) else {
      let near = nearest(to: name, among: ConfigKey.all.flatMap { [$0.name] + $0.aliases })
      throw ConfigKindFault(
        text: "unknown key \"\(name)\"\(near.isEmpty ? "; `peqa config` lists all keys" : near)")
    }
    guard !Self.fixed.contains(key.name) else {
      throw ConfigKindFault(text: "\(key.name) is the sweep's own, and cannot vary")
    }
    self.key = key
    self.line = line
    do throws(ConfigKindFault) {
      values = try Self.values(of: key, node)
    } catch {
      throw ConfigKindFault(text: "\(name): \(error.text)")
    }
  }

  /// Keys by which the sweep steers its runs.
  private static let fixed: Set = [
    "output_dir", "overwrite_output_dir", "resume", "stop_at_step", "report_to",
  ]

  private static func values(
    of key: ConfigKey, _ node: ConfigNode
  ) throws(ConfigKindFault) -> Values {
    switch node.content {
    case .list(let elements):
      guard !elements.isEmpty, elements.count <= longestList else {
        throw ConfigKindFault(text: "expected 1 to \(longestList) values")
      }
      return .list(elements)
    case .map(let members) where key.isNumber: return try range(of: key, members)
    case .scalar: return .list([node])
    case .map, .null: throw ConfigKindFault(text: "expected a list of values")
    }
  }

  private static func range(
    of key: ConfigKey, _ members: [ConfigNode.Member]
  ) throws(ConfigKindFault) -> Values {
    let known = ["min", "max", "scale"]
    for member in members where !known.contains(member.key) {
      throw ConfigKindFault(
        text: "unknown \"\(member.key)\"\(nearest(to: member.key, among: known)); a range has min, "
          + "max and scale")
    }
    func value(_ key: String) -> ConfigNode? { members.first { $0.key == key }?.value }
    guard let least = value("min")?.number, let most = value("max")?.number, least <= most else {
      throw ConfigKindFault(text: "a range needs numbers min and max, min not above max")
    }
    guard !key.isWhole || least.rounded(.up) <= most.rounded(.down) else {
      throw ConfigKindFault(text: "no whole number lies between \(least) and \(most)")
    }
    let scale = value("scale")?.scalar ?? "linear"
    guard scale == "linear" || scale == "log" else {
      throw ConfigKindFault(text: "scale is linear or log")
    }
    guard scale == "linear" || least > 0 else {
      throw ConfigKindFault(text: "scale: log needs a min above 0")
    }
    return .range(least...most, isLogarithmic: scale == "log")
  }
}

extension SweepParameter {
  /// A value drawn with equal chances; of a range with four digits, so that it can be read.
  ///
  /// - Returns: its index too where it is one of a list.
  func draw(_ generator: inout SplitMix64) -> (value: ConfigNode, index: Int?) {
    switch values {
    case .list(let elements):
      let index = Int(generator.unitInterval() * Double(elements.count))
      return (elements[index], index)
    case .range(let range, let isLogarithmic):
      let share = generator.unitInterval()
      let (low, high) = (range.lowerBound, range.upperBound)
      // Differences of the largest numbers would not be finite.
      let value =
        isLogarithmic
        ? exp(log(low) + share * (log(high) - log(low))) : low * (1 - share) + high * share
      return (ConfigNode(content: .scalar(text(value, in: range)), line: line), nil)
    }
  }

  /// What was rounded stays in the range.
  private func text(_ value: Double, in range: ClosedRange<Double>) -> String {
    if key.isWhole {
      let ends = range.lowerBound.rounded(.up)...range.upperBound.rounded(.down)
      let whole = min(max(value.rounded(), ends.lowerBound), ends.upperBound)
      return Int(exactly: whole).map(String.init) ?? "\(whole)"
    }
    let short = Self.shortened(value)
    return "\(range.contains(short) ? short : min(max(value, range.lowerBound), range.upperBound))"
  }

  /// Four digits; of numbers next to 0, which have less to round, all.
  private static func shortened(_ value: Double) -> Double {
    guard abs(value) > 1e-300 else { return value }
    let unit = pow(10, floor(log10(abs(value))) - 3)
    // Divided by a power of ten where that is whole, or the digits would not be short.
    return unit >= 1
      ? (value / unit).rounded() * unit : (value / unit).rounded() / (1 / unit).rounded()
  }
}
