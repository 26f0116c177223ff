internal import ArgumentParser
internal import Foundation
internal import JSONText
internal import Kernels
internal import Reporting
internal import Training

/// What all benchmarks share: repetitions, the form of the result, limits to hold.
struct BenchOptions: ParsableArguments {
  @Option(help: "Measurements of everything, after one that does not count.")
  var repetitions = 5

  @Option(name: .shortAndLong, help: "Form of the result: md, csv or json.")
  var output = MeasurementTable.Form.md

  @Flag(help: "The same as --output json.")
  var json = false

  @Flag(help: "Compare ratios of this run with limits; leave with 1 where one does not hold.")
  var check = false

  @Option(help: ArgumentHelp("Limits for --check, one \"name: least\" a line.", valueName: "file"))
  var limits: String?

  @Option(
    name: .customLong("limit"),
    help: ArgumentHelp(
      "One limit for --check: \"name: least\", \"name: least..greatest\".", valueName: "limit"))
  var singleLimits: [String] = []

  @OptionGroup var verbosity: VerbosityOptions

  func validate() throws {
    guard repetitions > 0 else { throw ValidationError("--repetitions must be positive.") }
    if !check, limits != nil || !singleLimits.isEmpty {
      throw ValidationError("--limits and --limit go with --check.")
    }
  }

  var form: MeasurementTable.Form { json ? .json : output }

  var console: Console { Console(verbosity: verbosity.level) }

  /// Read before anything is measured, so that a fault in the file costs nothing.
  func ratioLimits() throws -> RatioLimits {
    var result = try limits.map(RatioLimits.read) ?? .standard
    for limit in singleLimits { try result.set(limit, location: "--limit") }
    return result
  }

  /// Prints a table, alone with its context: JSON of one row is that row's object.
  func show(_ table: MeasurementTable, context: [JSONValue.Member] = []) {
    switch form {
    case .md:
      for fact in context { console.result("\(fact.key): \(fact.value.plain)") }
      if !context.isEmpty { console.result() }
      console.result(table.text(.md))
    case .csv: console.result(table.text(.csv))
    case .json:
      let rows = table.objects
      let result =
        rows.count == 1
        ? (rows[0].members ?? []) + context
        : context + [JSONValue.Member(key: "rows", value: .array(rows))]
      console.result(JSONValue.object(result).text())
    }
  }

  /// With --check, prints what was compared and throws code 1 where a ratio is out of its limits.
  func hold(_ ratios: [MeasuredRatio], to limits: RatioLimits) throws {
    guard check else { return }
    let (table, holds) = MeasuredRatio.check(ratios, against: limits)
    // Beside JSON and CSV on stdout the verdict goes to stderr.
    if form == .md {
      console.result()
      console.result(table.text(.md))
    } else {
      console.log(table.text(.md))
    }
    guard holds else { throw ExitCode(1) }
  }
}

extension MeasurementTable.Form: ExpressibleByArgument {}

extension JSONValue {
  /// Text without quotes, for people.
  fileprivate var plain: String { string ?? text() }
}

/// Whole numbers separated by commas, such as `2,3,4` or `-1,64`.
struct NumberList: ExpressibleByArgument {
  let values: [Int]

  init(_ values: Int...) { self.values = values }

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { Int($0.trimmingCharacters(in: .whitespaces)) }
    guard !numbers.isEmpty, numbers.count == parts.count else { return nil }
    values = numbers
  }

  var defaultValueDescription: String { values.map(String.init).joined(separator: ",") }
}

extension Compute {
  /// The machine as it runs here, for the head of a table.
  func context(_ peak: MachinePeak) -> [JSONValue.Member] {
    let members: [(String, JSONValue)] = [
      ("kernel_path", .string(instructionSet.rawValue)), ("dtype", .string(products)),
      ("peak_bf16_gflops", .real(peak.bf16 / 1e9)), ("peak_fp32_gflops", .real(peak.fp32 / 1e9)),
      ("peak_int8_gops", .real(peak.int8 / 1e9)),
      ("read_gb_per_second", .real(peak.bandwidth / 1e9)),
    ]
    return members.map { JSONValue.Member(key: $0.0, value: $0.1) }
  }
}
