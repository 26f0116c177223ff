internal import ArgumentParser

/// `peqa adapter`: what can be made of adapters without training, and what training has done.
struct AdapterCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "adapter",
    abstract: "Average, interpolate and compare adapters over one base.",
    subcommands: [AdapterAverage.self, AdapterInterpolate.self, AdapterDiff.self])
}

/// Two adapters, or an adapter and a base.
struct AdapterEnds: ParsableArguments {
  @Argument(
    help: ArgumentHelp("Directories of two adapters; one may be a base.", valueName: "adapter"))
  var paths: [String]

  @Option(
    help: """
      A base. Beside one adapter it is the first end; beside two it must be the base that both fit.
      """)
  var base: String?

  func validate() throws {
    guard paths.count == 2 || paths.count == 1 && base != nil else {
      throw ValidationError("Give two adapters, or one and --base BASE.")
    }
  }

  /// From, to.
  var both: [String] {
    guard let base, paths.count == 1 else { return paths }
    return [base] + paths
  }
}
