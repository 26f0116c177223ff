internal import ArgumentParser

/// How much is said on stderr.
struct VerbosityOptions: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Say more about what is being done.")
  var verbose = false

  @Flag(name: .shortAndLong, help: "Say nothing but warnings and errors.")
  var quiet = false

  var level: Console.Verbosity { quiet ? .quiet : verbose ? .verbose : .normal }

  func validate() throws {
    if quiet && verbose { throw ValidationError("Give --quiet or --verbose, not both.") }
  }
}

/// The form of the result on stdout.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Print the result as JSON, for machines.")
  var json = false
}
