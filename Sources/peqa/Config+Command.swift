internal import ArgumentParser
internal import Checkpoints
internal import Foundation
internal import JSONText
internal import Training

/// `peqa config`: what a run file may say, or what one says.
struct Config: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print every key of a run file, or check one and print it with all defaults.")

  @Argument(help: "Run file to check. Without it: all keys, their defaults and meanings.")
  var runFile: String?

  @Option(name: .customLong("set"), help: "A setting that overrides the run file.")
  var settings: [String] = []

  @Option(help: "Ranks that the run is meant for.")
  var ranks = 1

  @OptionGroup var output: OutputOptions
  @OptionGroup var verbosity: VerbosityOptions

  func validate() throws {
    if ranks < 1 { throw ValidationError("--ranks must be at least 1.") }
    if runFile != nil && output.json {
      throw ValidationError("--json lists the keys; a checked run file is printed as YAML.")
    }
    if runFile == nil && !settings.isEmpty {
      throw ValidationError("--set needs a run file.")
    }
  }

  func run() throws {
    let console = Console(verbosity: verbosity.level)
    if let runFile {
      try check(runFile, console)
    } else {
      console.result(output.json ? Self.keys.text(indent: 2) : ConfigKey.documentation)
    }
  }

  private func check(_ path: String, _ console: Console) throws {
    guard let bytes = FileManager.default.contents(atPath: path) else {
      throw CheckpointError.missing(path: path, remedy: "Give the path of a run file.")
    }
    var raw = RawConfig()
    raw.read(yaml: String(decoding: bytes, as: UTF8.self), path: path)
    raw.set(settings)
    let resolved = try raw.resolved(ranks: ranks)
    for warning in resolved.warnings { console.warn(warning) }
    for notice in resolved.notices { console.log(notice) }
    console.stream(resolved.config.yaml)
  }

  private static var keys: JSONValue {
    .array(
      ConfigKey.all.map { key in
        [
          "name": .string(key.name), "flag": .string(key.flag),
          "aliases": .array(key.aliases.map { .string($0) }), "type": .string(key.type),
          "default": key.defaultText.map { .string($0) } ?? .null,
          "meaning": .string(key.meaning),
        ]
      })
  }
}
