import Evaluation
import Foundation
import Testing

/// Against CPython's `random.Random` (`Fixtures/make_task_goldens.py`).
@Suite struct PythonRandomTests {
  private func golden() throws -> [String: Any] {
    let url = try #require(
      Bundle.module.url(forResource: "Fixtures/tasks/random", withExtension: "json"))
    return try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
  }

  @Test func wordsOverTwoTwists() throws {
    let words = try #require(golden()["words"] as? [Int])
    var random = PythonRandom(seed: 1234)
    let own = (0..<1300).map { _ in Int(random.word()) }
    #expect(stride(from: 0, to: 1300, by: 13).map { own[$0] } == words)
  }

  @Test func samplesByBothOfItsWays() throws {
    let cases = try #require(golden()["samples"] as? [[String: Any]])
    #expect(cases.count >= 12)
    for golden in cases {
      let (k, n) = (try #require(golden["k"] as? Int), try #require(golden["n"] as? Int))
      var random = PythonRandom(seed: 1234)
      for sample in try #require(golden["samples"] as? [[Int]]) {
        #expect(random.sample(k, of: n) == sample, "\(k) of \(n)")
      }
    }
  }
}
