internal import ArgumentParser
internal import Checkpoints
internal import Foundation
internal import JSONText
internal import Planning
internal import Training

/// `peqa config`: what a run file may say, or what one says.
struct Config: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print every key of a run file, or check a run file or cluster file and print it.")

  @Argument(help: "Run file to check. Without it: all keys, their defaults and meanings.")
  var runFile: String?

  @Option(name: .customLong("set"), help: "A setting that overrides the run file.")
  var settings: [String] = []

  @Option(help: "Print the value of this key alone, without quotes, for scripts.")
  var get: String?

  @Option(help: "Ranks that the run is meant for.")
  var ranks = 1

  @Option(help: "Cluster file to check and print, in location of a run file.")
  var cluster: String?

  @Flag(help: "Print the cluster file as assignments for a shell.")
  var shell = false

  @Flag(help: "Print the keys as tables in Markdown.")
  var markdown = false

  @OptionGroup var output: OutputOptions
  @OptionGroup var verbosity: VerbosityOptions

  func validate() throws {
    if ranks < 1 { throw ValidationError("--ranks must be at least 1.") }
    if runFile != nil && (output.json || markdown) {
      throw ValidationError(
        "--json and --markdown list the keys; a checked run file is printed as YAML.")
    }
    if cluster != nil && (runFile != nil || output.json || markdown) {
      throw ValidationError("--cluster goes with --shell only.")
    }
    if shell && cluster == nil { throw ValidationError("--shell needs --cluster.") }
    if markdown && output.json { throw ValidationError("Give --json or --markdown, not both.") }
    if runFile == nil && !settings.isEmpty {
      throw ValidationError("--set needs a run file.")
    }
    if let get {
      guard runFile != nil else { throw ValidationError("--get needs a run file.") }
      guard ConfigKey.all.contains(where: { $0.name == get }) else {
        throw ValidationError("--get: no key \"\(get)\". \"peqa config\" lists the keys.")
      }
    }
  }

  func run() throws {
    let console = Console(verbosity: verbosity.level)
    if let runFile {
      try check(runFile, console)
    } else if let cluster {
      try show(cluster: cluster, console)
    } else if markdown {
      console.stream(ConfigKey.markdown)
    } else {
      console.result(output.json ? Self.keys.text(indent: 2) : ConfigKey.documentation)
    }
  }

  private func show(cluster path: String, _ console: Console) throws {
    let description = try ClusterDescription(file: path)
    guard !shell else { return console.result(try description.shellAssignments(path: path)) }
    for (key, text) in try description.launchSettings(path: path) where !text.isEmpty {
      console.result("\(key): \(text)")
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
    if let get {
      console.result(resolved.config.plainValue(ofKey: get) ?? "")
    } else {
      console.stream(resolved.config.yaml)
    }
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
