internal import Checkpoints
internal import ExitCodes
internal import Foundation

/// What ratios of measurements of one run must hold: absolute times say nothing about a machine
/// that is not there.
package struct RatioLimits: Sendable, Equatable {
  /// nil: no limit on that side.
  package struct Range: Sendable, Equatable {
    package var least: Double?
    package var greatest: Double?

    package init(least: Double? = nil, greatest: Double? = nil) {
      (self.least, self.greatest) = (least, greatest)
    }

    package func holds(_ value: Double) -> Bool {
      value.isFinite && value >= least ?? -.infinity && value <= greatest ?? .infinity
    }

    package var text: String {
      switch (least, greatest) {
      case (let least?, let greatest?): "\(least) to \(greatest)"
      case (let least?, nil): "at least \(least)"
      case (nil, let greatest?): "at most \(greatest)"
      case (nil, nil): "any"
      }
    }
  }

  /// By the name of the ratio.
  package private(set) var ranges: [String: Range]

  /// What the project promises, as far as no other program is needed for it.
  package static let standard = RatioLimits(ranges: [
    "two_threads_by_one": Range(least: 1.9),
    "bits_3_by_4": Range(least: 0.95), "bits_2_by_4": Range(least: 0.95),
    "block_share_of_peak": Range(least: 0.7), "linear_share_of_peak": Range(least: 0.85),
    "cost_over_layers": Range(least: 0.9, greatest: 1.1),
    "width_marginal_cost": Range(least: 0.9, greatest: 1.1),
    "memory_measured_by_planned": Range(least: 0.9, greatest: 1.1),
    "decode_share_of_bandwidth": Range(least: 0.75),
  ])

  /// One line a limit, `name: least`, `name: least..greatest` or `name: ..greatest`; `#` begins a
  /// comment. (Valid YAML.) Names that are not there keep their standard.
  package static func read(_ path: String) throws -> RatioLimits {
    let text = String(decoding: try OpenFile.contents(of: path), as: UTF8.self)
    var limits = standard
    for (number, line) in text.components(separatedBy: "\n").enumerated() {
      let content = line.prefix { $0 != "#" }.trimmingCharacters(in: .whitespaces)
      guard !content.isEmpty else { continue }
      try limits.set(content, location: "\(path):\(number + 1)")
    }
    return limits
  }

  /// Sets one limit as a line of a file does; `location` is for messages.
  package mutating func set(_ line: String, location: String) throws {
    let parts = line.split(separator: ":", maxSplits: 1).map {
      $0.trimmingCharacters(in: .whitespaces)
    }
    guard parts.count == 2, let range = Self.range(parts[1]) else {
      throw RatioLimitsError(
        "\(location): \"\(line)\" is no limit. Write \"name: least\", \"name: least..greatest\" or "
          + "\"name: ..greatest\".")
    }
    guard ranges[parts[0]] != nil else {
      let names = ranges.keys.sorted().joined(separator: ", ")
      throw RatioLimitsError(
        "\(location): there is no ratio \"\(parts[0])\". There are: \(names).")
    }
    ranges[parts[0]] = range
  }

  private static func range(_ text: String) -> Range? {
    guard let dots = text.range(of: "..") else { return Double(text).map { Range(least: $0) } }
    let (before, after) = (String(text[..<dots.lowerBound]), String(text[dots.upperBound...]))
    let (least, greatest) = (Double(before), Double(after))
    guard least != nil || before.isEmpty, greatest != nil || after.isEmpty,
      least != nil || greatest != nil
    else { return nil }
    return Range(least: least, greatest: greatest)
  }
}

/// A line of a file of limits that says nothing.
package struct RatioLimitsError: ExitCoded, Equatable, CustomStringConvertible {
  package let description: String

  package var exitCode: Int32 { 65 }

  init(_ description: String) { self.description = description }
}

/// A ratio that a run has measured.
package struct MeasuredRatio: Sendable, Equatable {
  /// The name under which it has a limit.
  package var name: String
  /// Of what, such as `llama-7b, 512 tokens`.
  package var subject: String
  package var value: Double

  package init(_ name: String, _ subject: String, _ value: Double) {
    (self.name, self.subject, self.value) = (name, subject, value)
  }

  /// What was compared, row by row, and whether everything holds. Ratios without a limit hold.
  package static func check(
    _ ratios: [MeasuredRatio], against limits: RatioLimits
  ) -> (table: MeasurementTable, holds: Bool) {
    var table = MeasurementTable([
      ("ratio", "ratio"), ("subject", "of"), ("value", "measured"), ("limit", "limit"),
      ("holds", "holds"),
    ])
    var all = true
    for ratio in ratios {
      let range = limits.ranges[ratio.name] ?? .init()
      let holds = range.holds(ratio.value)
      all = all && holds
      table.add([
        .text(ratio.name), .text(ratio.subject), .real(ratio.value, digits: 3), .text(range.text),
        .text(holds ? "yes" : "NO"),
      ])
    }
    return (table, all)
  }
}
