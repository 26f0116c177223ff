import Foundation
import TestSupport

/// Runs the built program as a user would, alone or below mpirun.
enum Program {
  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  static let peqa = root.appending(path: ".build/release/peqa").path
  /// Kernels that every machine has and that this run of the tests does not use by itself.
  static let otherKernels =
    ProcessInfo.processInfo.environment["PEQA_KERNELS"] == "scalar" ? "avx2" : "scalar"
  static let mpirun = root.appending(path: "launch/steps/mpirun").path
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
    output: FileHandle = .nullDevice, errors: FileHandle = .nullDevice,
    environment: [String: String] = [:]
  ) throws -> Process {
    let environment = ["PEQA_NUM_THREADS": "\(threads)"].merging(environment) { $1 }
    guard let ranks else {
      return try start(
        peqa, arguments, output: output, errors: errors, environment: environment)
    }
    return try start(
      mpirun, ["-np", "\(ranks)", peqa] + arguments, output: output, errors: errors,
      environment: environment)
  }

  /// Starts any program.
  private static func start(
    _ program: String, _ arguments: [String], output: FileHandle, errors: FileHandle,
    environment: [String: String]
  ) throws -> Process {
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = errors
    // Threads of a test block signals, and mpirun would inherit that.
    var signals = sigset_t()
    sigfillset(&signals)
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    try process.run()
    return process
  }

  /// Runs `peqa` to the end.
  static func run(
    _ arguments: [String], ranks: Int? = nil, threads: Int = 1,
    environment: [String: String] = [:]
  ) throws -> Output {
    try collect {
      try start(
        arguments, ranks: ranks, threads: threads, output: $0, errors: $1,
        environment: environment)
    }
  }

  /// Runs any program to the end.
  static func run(
    program: String, _ arguments: [String], environment: [String: String] = [:]
  ) throws -> Output {
    try collect {
      try start(program, arguments, output: $0, errors: $1, environment: environment)
    }
  }

  /// Collects what is said to the end, in files because a pipe could fill up.
  private static func collect(
    _ start: (_ output: FileHandle, _ errors: FileHandle) throws -> Process
  ) throws -> Output {
    let folder = try TemporaryFolder()
    let (out, errors) = (folder.file("out"), folder.file("errors"))
    for file in [out, errors] {
      _ = FileManager.default.createFile(atPath: file.path, contents: nil)
    }
    let process = try start(
      FileHandle(forWritingTo: out), FileHandle(forWritingTo: errors))
    process.waitUntilExit()
    return Output(
      status: process.terminationStatus,
      standardOutput: try String(contentsOf: out, encoding: .utf8),
      standardError: try String(contentsOf: errors, encoding: .utf8))
  }
}

extension Program {
  /// The ranks that this mpirun has started, in rank order, by their environment.
  static func ranks(of mpirun: Int32) throws -> [Int32] {
    let ranks = try children(of: mpirun).compactMap { process -> (rank: Int, process: Int32)? in
      let path = URL(filePath: "/proc/\(process)/environ")
      let text = (try? Data(contentsOf: path)).map { String(decoding: $0, as: UTF8.self) } ?? ""
      let prefix = "OMPI_COMM_WORLD_RANK="
      guard let entry = text.split(separator: "\0").first(where: { $0.hasPrefix(prefix) }) else {
        return nil
      }
      return Int(entry.dropFirst(prefix.count)).map { ($0, process) }
    }
    return ranks.sorted { $0.rank < $1.rank }.map(\.process)
  }

  /// A process that has ended and waits to be reaped is not alive.
  static func isAlive(_ process: Int32) -> Bool {
    guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
      let name = stat.lastIndex(of: ")")
    else { return false }
    return stat[name...].split(separator: " ").dropFirst().first != "Z"
  }

  /// Processes whose parent is `parent`, by the fourth field of /proc/PID/stat.
  static func children(of parent: Int32) throws -> [Int32] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }
      .filter { process in
        guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
          let name = stat.lastIndex(of: ")")
        else { return false }
        return stat[name...].split(separator: " ").dropFirst(2).first == "\(parent)"
      }
  }
}

extension Program {
  /// `run` on a thread of its own.
  static func run(
    _ arguments: [String], ranks: Int? = nil, threads: Int = 1,
    environment: [String: String] = [:]
  ) async throws -> Output {
    try await aside {
      try run(arguments, ranks: ranks, threads: threads, environment: environment)
    }
  }

  /// Does what mostly waits on a thread of its own: those that tests share are as few as the CPUs.
  static func aside<Value: Sendable>(
    _ body: @escaping @Sendable () throws -> Value
  ) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
    }
  }
}

extension TemporaryFolder {
  func file(_ name: String) -> URL { url.appending(path: name) }

  func write(_ text: String, to name: String) throws {
    try text.write(to: file(name), atomically: true, encoding: .utf8)
  }
}

extension TemporaryFolder {
  /// Text that a byte-wise tokenizer can read, different in every line.
  static let text = (0..<900).map { i in
    "Line \(i): the square of \(i) is \(i * i), and \(i) in base 7 is \(String(i, radix: 7)).\n"
  }.joined()

  /// A small run over that text with some settings more; returns the path.
  func runFile(_ settings: String) throws -> String {
    try write(Self.text, to: "text.txt")
    try write(
      """
      model: \(Program.base)
      datasets: [{path: \(file("text.txt").path), type: text}]
      max_seq_length: 96
      global_batch_size: 7
      dataset_cache: \(file("cache").path)

      """ + settings, to: "run.yaml")
    return file("run.yaml").path
  }
}
