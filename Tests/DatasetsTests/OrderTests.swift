import Datasets
import Testing

@Suite struct OrderTests {
  static let sizes = Array(1...70) + [127, 128, 129, 1000, 4095, 4096, 4097, 10_007]

  @Test(arguments: sizes)
  func everyIndexComesOnce(_ count: Int) {
    for seed in [0, 1, 42, UInt64.max] {
      let permutation = IndexPermutation(count: count, seed: seed, stream: seed % 7)
      #expect(Set((0..<count).map { permutation[$0] }) == Set(0..<count))
    }
  }

  @Test func seedsAndEpochsDiffer() {
    let orders = [(1, 0), (1, 1), (2, 0), (2, 1)].map { seed, epoch in
      let permutation = IndexPermutation(count: 100, seed: UInt64(seed), stream: UInt64(epoch))
      return (0..<100).map { permutation[$0] }
    }
    #expect(Set(orders).count == 4)
  }

  /// Chi-square of (index, value) over seeds for 10 elements: 90 cells beyond the sums, 81 degrees
  /// of freedom, standard deviation sqrt(2 * 81) = 12.7; six deviations above is 158.
  @Test func noIndexIsFavoured() {
    let rounds = 4000
    var seen = [Int](repeating: 0, count: 100)
    for seed in 0..<rounds {
      let permutation = IndexPermutation(count: 10, seed: UInt64(seed))
      for index in 0..<10 { seen[index * 10 + permutation[index]] += 1 }
    }
    let expected = Double(rounds) / 10
    let chiSquare = seen.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) }
    #expect(chiSquare / expected < 158)
  }

  @Test(arguments: [(1, 1), (1, 3), (7, 3), (10, 5), (100, 33), (5, 12)])
  func seekingEqualsWalking(_ count: Int, _ batch: Int) {
    let order = DataOrder(count: count, globalBatchSize: batch, seed: 9)
    let steps = 3 * count / batch + 4
    let walked = order.indices(at: 0, count: steps * batch)
    for step in (0..<steps).reversed() {
      #expect(order.globalBatch(step) == Array(walked[(step * batch)..<((step + 1) * batch)]))
    }
    for epoch in 0..<(steps * batch / count) {
      let part = walked[(epoch * count)..<((epoch + 1) * count)]
      #expect(Set(part) == Set(0..<count))
    }
  }

  @Test func epochsAndSteps() {
    let order = DataOrder(count: 10, globalBatchSize: 4, seed: 0)
    #expect(order.steps(forEpochs: 1) == 3)
    #expect(order.steps(forEpochs: 2) == 5)
    #expect(order.epochs(after: 5) == 2)
    let still = DataOrder(count: 3, globalBatchSize: 2, seed: 0, shuffles: false)
    #expect(still.globalBatch(1) == [2, 0])
  }
}
