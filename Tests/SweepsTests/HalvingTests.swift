import RunHistory
import Sweeps
import Testing

@Suite struct HalvingTests {
  /// Against a loop that takes the least again and again.
  @Test(arguments: [1, 2, 3, 7, 27, 100], [1.1, 2, 3, 10])
  func theBestGoOn(count: Int, eta: Double) {
    let scores = (0..<count).map { (number: $0, score: Double?.some(Double($0 * 37 % 11))) }
    var left = scores
    var expected: [Int] = []
    while Double(expected.count) * eta < Double(count) {
      var best = 0
      for index in left.indices where (left[index].score ?? 0) < (left[best].score ?? 0) {
        best = index
      }
      expected.append(left.remove(at: best).number)
    }
    #expect(Halving.survivors(scores, eta: eta) == expected.sorted())
  }

  @Test func whatHasFailedDoesNotGoOn() {
    let scores: [(number: Int, score: Double?)] = [(0, nil), (1, .nan), (2, 5), (3, .infinity)]
    #expect(Halving.survivors(scores, eta: 1.1) == [2])
    #expect(Halving.survivors([(0, nil)], eta: 2) == [])
  }

  /// A run that ended before a rung is judged by what it ended with.
  @Test func standingsAreJudgedWhereTheyAre() {
    var standing = RunStanding()
    standing.step = 4
    standing.evaluations = [.init(step: 2, value: 3), .init(step: 4, value: 2)]
    standing.losses = (1...4).map { .init(step: $0, value: Double($0)) }
    #expect(standing.score(.evalLoss, at: 2) == 3)
    #expect(standing.score(.evalLoss, at: 3) == nil)
    #expect(standing.score(.evalLoss, at: 5) == nil && standing.score(.evalLoss, at: nil) == nil)
    standing.isFinished = true
    #expect(standing.score(.evalLoss, at: 5) == 2 && standing.score(.evalLoss, at: nil) == 2)
    #expect(standing.score(.trainLoss, at: nil) == 4)
    standing.bestEvaluation = 1
    #expect(standing.score(.evalLoss, at: nil) == 1 && standing.score(.evalLoss, at: 2) == 3)
  }
}
