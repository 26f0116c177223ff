import Foundation
import TestSupport
import Testing

/// A measured loss has the same digits on any ranks and threads.
@Suite(.serialized) struct EvaluationTests {
  @Test func ranksAndThreadsGiveTheSameDigits() throws {
    let folder = try TemporaryFolder()
    try folder.write(String(TemporaryFolder.text.prefix(1500)), to: "text.txt")
    func loss(_ arguments: [String], ranks: Int?, threads: Int) throws -> Substring {
      let result = try Program.run(
        ["eval", Program.base, "--max-length", "64", "--json"] + arguments, ranks: ranks,
        threads: threads)
      #expect(result.status == 0, "\(result.standardError)")
      // The text of the number, not its value.
      let loss = try #require(result.standardOutput.firstRange(of: "\"loss\":"))
      return result.standardOutput[loss.upperBound...].prefix { $0 != "," }
    }
    for arguments in [[], ["--stride", "16", "--windows", "7"]] {
      let text = ["--perplexity", folder.file("text.txt").path] + arguments
      let alone = try loss(text, ranks: nil, threads: 1)
      #expect(Double(alone).map { $0 > 0 } == true)
      for (ranks, threads) in [(nil, 2), (3, 1)] as [(Int?, Int)] {
        #expect(try loss(text, ranks: ranks, threads: threads) == alone)
      }
    }
  }
}
