import Foundation
import Testing

/// The program itself, as a user starts it.
@Suite struct CommandLineTests {
  private struct Missing: Error { let name: String }

  /// It lies beside the test bundle.
  private static let program: URL? = {
    let folders = [Bundle.main.executableURL, URL(fileURLWithPath: CommandLine.arguments[0])]
      .compactMap { $0?.deletingLastPathComponent() }
    return folders.map { $0.appendingPathComponent("peqa") }.first {
      FileManager.default.isExecutableFile(atPath: $0.path)
    }
  }()

  func run(
    _ arguments: [String], environment: [String: String] = [:]
  ) throws -> (code: Int32, output: String, errors: String) {
    let process = Process()
    guard let program = Self.program else {
      throw Missing(name: "the product peqa: build it first")
    }
    process.executableURL = program
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    let (output, errors) = (Pipe(), Pipe())
    (process.standardOutput, process.standardError) = (output, errors)
    try process.run()
    // What is read here is less than a pipe holds, so one after the other cannot block.
    let texts = [output, errors].map {
      String(decoding: $0.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    }
    process.waitUntilExit()
    return (process.terminationStatus, texts[0], texts[1])
  }

  @Test func versionNamesTheParts() throws {
    let (code, output, errors) = try run(["--version"])
    #expect(code == 0)
    #expect(errors.isEmpty)
    for part in ["peqa ", "kernels: ", "MPI: ", "BLAS: "] { #expect(output.contains(part)) }
    #expect(
      try /peqa \d+\.\d+\.\d+ \(commit ([0-9a-f]{12}\+?|unknown)\)/.firstMatch(in: output) != nil)
  }

  /// Names of files come out of messages without steering the terminal.
  @Test func escapesOfNamesAreShown() throws {
    let (code, _, errors) = try run(["inspect", "no\u{1b}]0;owned\u{7}"])
    #expect(code == 66)
    #expect(errors.contains("no\\u{1b}]0;owned\\u{7}") && !errors.contains("\u{1b}"))
  }

  @Test(arguments: [["--bogus"], ["bogus"], ["config", "--jsn"], ["config", "--ranks", "0"]])
  func usageErrorsAreOnStderr(arguments: [String]) throws {
    let (code, output, errors) = try run(arguments)
    #expect(code == 64)
    #expect(output.isEmpty)
    #expect(errors.contains("Usage: peqa"))
  }

  @Test func missingFileIs66() throws {
    let (code, output, errors) = try run(["config", "/nonexistent/run.yaml"])
    #expect(code == 66)
    #expect(output.isEmpty)
    #expect(errors.hasPrefix("peqa: /nonexistent/run.yaml: not found."))
    #expect(!errors.contains("\u{1b}"), "no colours off terminals")
  }

  @Test func badConfigIs78AndNamesTheLine() throws {
    let path = NSTemporaryDirectory() + "peqa-run-\(getpid()).yaml"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try "model: x\nlerning_rate: 1\n".write(
      to: URL(fileURLWithPath: path), atomically: true, encoding: .utf8)
    let (code, output, errors) = try run(["config", path])
    #expect(code == 78)
    #expect(output.isEmpty)
    #expect(errors.contains("\(path):2"))
    #expect(errors.contains("learning_rate"), "did you mean")
  }

  /// Not the first rank: only that one speaks, about usage errors too.
  @Test func otherRanksAreSilent() throws {
    let second = ["PMI_RANK": "1", "PMI_SIZE": "2"]
    let (code, output, errors) = try run(["--bogus"], environment: second)
    #expect(code == 64)
    #expect(output.isEmpty && errors.isEmpty)
    #expect(try run(["config"], environment: second).output.isEmpty)
  }
}
