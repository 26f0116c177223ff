import Foundation
import Testing

/// A mapped file that is shortened while a run reads it: the message names it, and the code is 74.
@Suite(.serialized) struct TruncationTests {
  enum Victim: CaseIterable, Sendable { case base, tokens }

  /// `PEQA_TRUNCATIONS` sets how often each case is tried; 2 by default.
  private static let tries =
    ProcessInfo.processInfo.environment["PEQA_TRUNCATIONS"].flatMap { Int($0) } ?? 2

  @Test(arguments: Victim.allCases, [nil, 2] as [Int?])
  func namesTheFile(victim: Victim, ranks: Int?) async throws {
    for _ in 0..<Self.tries {
      let run = try DisturbedRun()
      let base = run.folder.file("base")
      try FileManager.default.copyItem(at: URL(filePath: Program.base), to: base)
      // Long enough to be hit: 10^6 steps.
      let more = [
        "--model", base.path, "--max-steps", "1000000", "--dataset-cache",
        run.folder.file("cache").path,
      ]
      let end = try await run.disturbed(ranks: ranks, more, begun: Self.hasSteps(run)) { _, _ in
        let path =
          switch victim {
          case .base: base.appending(path: "base.safetensors").path
          case .tokens: try Self.tokens(in: run.folder.file("cache").path)
          }
        #expect(truncate(path, 0) == 0)
      }
      let name = victim == .base ? "base.safetensors" : ".tokens"
      #expect(end.code == 74, "\(end.text)")
      let line = end.text.split(separator: "\n").first {
        $0.contains("\(name): was shortened or cannot be read")
      }
      #expect(line != nil, "\(end.text)")
      #expect(end.seconds < 60)
    }
  }

  /// Steps have been taken, so that everything is mapped and in use.
  private static func hasSteps(_ run: DisturbedRun) -> @Sendable () -> Bool {
    {
      let path = run.folder.file("run/metrics.jsonl").path
      return (try? String(contentsOfFile: path, encoding: .utf8).contains("\"step\"")) == true
    }
  }

  private static func tokens(in folder: String) throws -> String {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    return folder + "/" + (try #require(names.first { $0.hasSuffix(".tokens") }))
  }
}
