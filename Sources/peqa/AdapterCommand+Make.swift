internal import ArgumentParser
internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import JSONText
internal import Reporting

/// `peqa adapter average`: one adapter out of several.
struct AdapterAverage: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "average",
    abstract: "Average adapters over one base, number by number.",
    discussion: """
      Sums are taken in double precision and rounded once. A base counts as the adapter that \
      changes nothing, and weights may be negative: with --weights 1,1,-1 A, B and BASE give what \
      both have learnt together.
      """)

  @Argument(
    help: ArgumentHelp("Directories of adapters, two or more.", valueName: "adapter"))
  var paths: [String]

  @Option(
    parsing: .unconditional,
    help: ArgumentHelp(
      "One weight for each, such as 0.5,0.3,0.2; together 1. (default: all the same)",
      valueName: "weights"))
  var weights: String?

  @OptionGroup var making: AdapterMaking

  func validate() throws {
    guard paths.count > 1 else { throw ValidationError("Give two adapters or more.") }
    _ = try recipe
    try making.validate(inputs: paths)
  }

  func run() throws { try making.make(recipe, of: paths) }

  private var recipe: AdapterArithmetic.Recipe {
    get throws {
      guard let weights else { return .evenAverage(of: paths.count) }
      let numbers = try weights.split(separator: ",", omittingEmptySubsequences: false).map {
        guard let number = Double($0), number.isFinite else {
          throw ValidationError("--weights: \"\($0)\" is no number. Give them as 0.5,0.3,0.2.")
        }
        return number
      }
      guard numbers.count == paths.count else {
        throw ValidationError(
          "--weights: \(numbers.count) for \(paths.count) adapters. Give one for each.")
      }
      let sum = numbers.reduce(0, +)
      // A millionth, with room for what the sum itself rounds: 3 times 0.333333 will do.
      guard abs(sum - 1) < 1.001e-6 else {
        throw ValidationError("--weights: the sum is \(sum), and must be 1.")
      }
      return .init(operation: "average", weights: numbers)
    }
  }
}

/// `peqa adapter interpolate`: a point on the line through two adapters.
struct AdapterInterpolate: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "interpolate",
    abstract: "Go part of the way from one adapter to another, or beyond.",
    discussion: """
      The result is (1 - t) A + t B, rounded once. With a base as A, a fraction below 1 weakens \
      what B has learnt and one above 1 exaggerates it.
      """)

  @OptionGroup var ends: AdapterEnds

  @Option(parsing: .unconditional, help: "t: 0 is the first adapter, 1 the second.")
  var fraction: Double

  @OptionGroup var making: AdapterMaking

  func validate() throws {
    guard fraction.isFinite else { throw ValidationError("--fraction must be a number.") }
    try making.validate(inputs: ends.both)
  }

  func run() throws { try making.make(.line(fraction), of: ends.both, over: ends.base) }
}

/// Where a new adapter goes, and how that is told.
struct AdapterMaking: ParsableArguments {
  @Option(name: .shortAndLong, help: "Directory to make.")
  var output: String

  @Flag(help: "Replace a directory that holds an adapter and nothing else.")
  var overwrite = false

  @Flag(help: "Compute and check everything; write nothing.")
  var dryRun = false

  @OptionGroup var form: OutputOptions
  @OptionGroup var verbosity: VerbosityOptions

  func validate(inputs: [String]) throws {
    guard !inputs.map(Self.resolved).contains(Self.resolved(output)) else {
      throw ValidationError("--output is one of the inputs, which are never changed.")
    }
  }

  private static func resolved(_ path: String) -> String {
    URL(fileURLWithPath: path).resolvingSymlinksInPath().standardizedFileURL.path
  }

  func make(
    _ recipe: AdapterArithmetic.Recipe, of paths: [String], over base: String? = nil
  ) throws {
    let console = Console(verbosity: verbosity.level)
    do {
      try AdapterArithmetic.check(output: output, overwrite: overwrite)
    } catch  where overwrite {
      console.warn("--overwrite replaces only a directory that holds an adapter and nothing else")
      throw error
    }
    let arithmetic = try AdapterArithmetic(paths, over: base)
    if recipe.weights.contains(where: { !(0...1).contains($0) }) {
      console.log(
        "weights \(sum(recipe, paths)): outside 0...1 the result is an extrapolation. Evaluate it.")
    }
    if !dryRun { clearLeftovers(console) }
    let outcome = try arithmetic.write(
      recipe, to: dryRun ? nil : output, overwrite: overwrite)
    let faults = outcome.faults
    if faults.flipped + faults.zeroed > 0 {
      console.warn(
        "\(faults.flipped) scales have another sign than in \(paths[0]), and \(faults.zeroed) are "
          + "0 and cannot be trained any more")
    }
    show(outcome, arithmetic.config(recipe), sum(recipe, paths), console)
  }

  /// What commands for the same output that were killed have left.
  private func clearLeftovers(_ console: Console) {
    let leftovers = StagedDirectory.clearLeftovers(of: output)
    for path in leftovers.removed { console.log("removed \(path): it was left half-made") }
    for path in leftovers.replaced {
      console.warn(
        "\(path) is what stood at \(output) when it was to be replaced. Give it a name to keep "
          + "it, or remove it.")
    }
  }

  private func show(
    _ outcome: AdapterArithmetic.Outcome, _ config: JSONValue, _ sum: String, _ console: Console
  ) {
    guard form.json else {
      console.result("\(dryRun ? "Would write \(output)" : output): \(sum)")
      console.result("\(outcome.tensors) tensors, \(outcome.numbers) numbers")
      if let digest = outcome.digest { console.result("sha256 \(digest)") }
      return
    }
    let report: JSONValue = [
      "output": .string(output), "dry_run": .bool(dryRun), "tensors": .integer(outcome.tensors),
      "numbers": .integer(outcome.numbers), "flipped": .integer(outcome.faults.flipped),
      "zeroed": .integer(outcome.faults.zeroed),
      "sha256": outcome.digest.map { .string($0) } ?? .null, "made_by": config["made_by"] ?? .null,
    ]
    console.result(report.text(indent: 2))
  }

  /// `0.7 a + 0.3 b`.
  private func sum(_ recipe: AdapterArithmetic.Recipe, _ paths: [String]) -> String {
    zip(recipe.weights, paths).map { significant($0, digits: 6) + " \($1)" }
      .joined(separator: " + ")
  }
}
