import Foundation
import TestSupport
import Testing

/// A training run with a fault, and its continuation.
struct DisturbedRun: Sendable {
  let folder: TemporaryFolder
  let runFile: String

  init() throws {
    folder = try TemporaryFolder()
    runFile = try Undisturbed.runFile(in: folder)
  }

  func arguments(_ more: [String] = []) -> [String] {
    ["train", runFile, "--output-dir", folder.file("run").path] + more
  }

  struct End {
    var code: Int32
    /// What was said.
    var text: String
    /// From the fault to the end.
    var seconds: Double
  }

  /// Starts a run and gives its processes to `fault` once `begun` is true.
  func disturbed(
    ranks: Int?, _ more: [String] = [], begun: @escaping @Sendable () -> Bool,
    fault: @escaping @Sendable (_ ranks: [Int32], _ started: Int32) throws -> Void
  ) async throws -> End {
    let log = folder.file("log")
    try folder.write("", to: "log")
    let arguments = arguments(more)
    let (status, pids, seconds) = try await Program.aside {
      let process = try Program.start(
        arguments, ranks: ranks, errors: FileHandle(forWritingTo: log))
      while !begun(), process.isRunning { usleep(200) }
      let started = process.processIdentifier
      let pids = ranks == nil ? [started] : try Program.ranks(of: started)
      let start = Date()
      try fault(pids, started)
      process.waitUntilExit()
      return (process.terminationStatus, pids, Date().timeIntervalSince(start))
    }
    #expect(pids.count == ranks ?? 1)
    // mpirun leaves once it has sent SIGKILL; on a loaded machine the kernel takes a while to obey.
    let patience = Date() + 20
    while pids.contains(where: Program.isAlive), Date() < patience {
      try await Task.sleep(for: .milliseconds(20))
    }
    for pid in pids { #expect(!Program.isAlive(pid), "a stray process") }
    return End(
      code: status, text: try String(contentsOf: log, encoding: .utf8), seconds: seconds)
  }

  func exists(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: folder.file("run/\(name)").path)
  }

  func hasMade(_ name: String) -> @Sendable () -> Bool { { exists(name) } }

  /// The step of the checkpoint that a run would go on from.
  func latest() throws -> Int {
    let name = try String(contentsOf: folder.file("run/latest"), encoding: .utf8)
    return try #require(Int(name.drop { !$0.isNumber }.prefix { $0.isNumber }))
  }

  /// Goes on from the last checkpoint for some steps: the bits are those of a run without faults.
  func expectNothingLost(
    ranks: Int? = nil, threads: Int = 1, _ more: [String] = [], environment: [String: String] = [:]
  ) async throws {
    let begin = try latest()
    let end = begin / 10 * 10 + 20
    let result = try await Program.run(
      arguments(more + ["--max-steps", "\(end)"]), ranks: ranks, threads: threads,
      environment: environment)
    #expect(result.status == 0, "\(result.standardError)")
    #expect(result.standardError.contains("continuing from "))
    let adapter = try Data(contentsOf: folder.file("run/adapter_model.safetensors"))
    let expected = try await Undisturbed.adapter(step: end)
    #expect(adapter == expected, "from step \(begin) to \(end)")
  }
}
