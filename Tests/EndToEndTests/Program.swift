import Foundation

/// Runs the built program as a user would, alone or below mpirun.
enum Program {
  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  static let peqa = root.appending(path: ".build/release/peqa").path
  /// A tiny base with a tokenizer over printable ASCII.
  static let base = root.appending(path: "Tests/DecoderModelTests/Fixtures/llama_4bit_row").path

  struct Output {
    var status: Int32
    var standardOutput: String
    var standardError: String
  }

  /// Starts `peqa` with `arguments`; on `ranks` MPI ranks where given.
  static func start(
    _ arguments: [String], ranks: Int? = nil, threads: Int = 1,
    output: FileHandle = .nullDevice, errors: FileHandle = .nullDevice
  ) throws -> Process {
    let process = Process()
    if let ranks {
      process.executableURL = root.appending(path: "launch/steps/mpirun")
      process.arguments = ["-np", "\(ranks)", peqa] + arguments
    } else {
      process.executableURL = URL(filePath: peqa)
      process.arguments = arguments
    }
    process.environment = ProcessInfo.processInfo.environment.merging([
      "PEQA_NUM_THREADS": "\(threads)"
    ]) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    return process
  }

  /// Runs to the end and collects what was said, in files because a pipe could fill up.
  static func run(_ arguments: [String], ranks: Int? = nil, threads: Int = 1) throws -> Output {
    let folder = try Folder()
    let (out, errors) = (folder.file("out"), folder.file("errors"))
    for file in [out, errors] {
      _ = FileManager.default.createFile(atPath: file.path, contents: nil)
    }
    let process = try start(
      arguments, ranks: ranks, threads: threads, output: FileHandle(forWritingTo: out),
      errors: FileHandle(forWritingTo: errors))
    process.waitUntilExit()
    return Output(
      status: process.terminationStatus,
      standardOutput: try String(contentsOf: out, encoding: .utf8),
      standardError: try String(contentsOf: errors, encoding: .utf8))
  }
}

/// A temporary folder that goes with its owner.
final class Folder {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "peqa-e2e-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func file(_ name: String) -> URL { url.appending(path: name) }

  func write(_ text: String, to name: String) throws {
    try text.write(to: file(name), atomically: true, encoding: .utf8)
  }
}
