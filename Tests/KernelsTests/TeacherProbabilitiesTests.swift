internal import Foundation
internal import Kernels
internal import Testing

/// The most probable tokens of a teacher, and what is refused of a file that says them.
@Suite struct TeacherProbabilitiesTests {
  /// Rows with many equal numbers: of these the first ones count.
  private func logits(_ tokens: Int, _ vocabulary: Int) -> [Float] {
    var random = RandomNumbers(seed: vocabulary)
    return random.floats(tokens * vocabulary, scale: 12).map { ($0 * 4).rounded() / 4 }
  }

  private func found(
    _ names: Int, _ logits: [Float], _ vocabulary: Int, _ temperature: Double = 1, threads: Int = 1
  ) -> TeacherProbabilities {
    Compute(pool: WorkerPool(threads: threads)).mostProbable(
      names, of: logits, tokens: logits.count / vocabulary, vocabulary: vocabulary,
      temperature: temperature)
  }

  @Test(arguments: [1, 2, 7, 96, 1025], [1.0, 2.5])
  func mostProbableTokens(_ vocabulary: Int, _ temperature: Double) {
    let tokens = 9
    let numbers = logits(tokens, vocabulary)
    for names in Set([1, min(2, vocabulary), min(64, vocabulary), min(1024, vocabulary)]) {
      let all = found(names, numbers, vocabulary, temperature)
      #expect(all.fault(vocabulary: vocabulary) == nil)
      for threads in [2, 5] {
        #expect(found(names, numbers, vocabulary, temperature, threads: threads) == all)
      }
      for t in 0..<tokens {
        let row = numbers[t * vocabulary..<(t + 1) * vocabulary].map { Double($0) / temperature }
        let order = row.indices.sorted { (row[$1], $0) < (row[$0], $1) }
        let ids = order.prefix(names).sorted()
        #expect(all.ids[t * names..<(t + 1) * names].map(Int.init) == ids)
        let logSum = DistillationTests.logSum(row)
        // Rounded once; the loops in Double differ by far less.
        for (named, id) in zip(all.logs[t * names..<(t + 1) * names], ids) {
          #expect(
            abs(Double(named) - (row[id] - logSum)) <= 1.01 * unit * abs(Double(named)) + 1e-12)
        }
        let rest = order.dropFirst(names).reduce(0) { $0 + exp(row[$1] - logSum) }
        // Its logarithm is rounded once; nothing is left where all are named.
        let rounding = rest > 0 ? 2 * unit * abs(log(rest)) + 1e-9 : 0
        #expect(abs(exp(Double(all.rest[t])) - rest) <= rounding * rest)
      }
    }
  }

  @Test func brokenLogitsAreNoAnswer() {
    for place in [0, 5, 95] {
      for bad in [Float.nan, .infinity] {
        var numbers = logits(1, 96)
        numbers[place] = bad
        for names in [1, 8, 96] {
          #expect(
            found(names, numbers, 96).fault(vocabulary: 96) != nil, "\(place) \(bad) \(names)")
        }
      }
    }
  }

  @Test func faults() {
    let good = found(4, logits(3, 96), 96)
    #expect(good.fault(vocabulary: 96) == nil)
    func fault(_ change: (inout TeacherProbabilities) -> Void) -> Bool {
      var bad = good
      change(&bad)
      return bad.fault(vocabulary: 96) != nil
    }
    #expect(fault { $0.ids.swapAt(4, 5) })
    #expect(fault { $0.ids[5] = $0.ids[4] })
    #expect(fault { $0.ids[11] = 96 })
    #expect(fault { $0.ids[0] = -1 })
    #expect(fault { $0.ids.removeLast() })
    #expect(fault { $0.logs.removeLast() })
    #expect(fault { $0.rest.append(-1) })
    for number in [Float.nan, .infinity, -.infinity, 0.01] {
      #expect(fault { $0.logs[7] = number })
    }
    for number in [Float.nan, .infinity, 0.01] { #expect(fault { $0.rest[1] = number }) }
    // Numbers that could be, but do not belong together.
    #expect(fault { $0.logs[7] = 0 })
    #expect(fault { $0.rest[1] = 0 })
    #expect(good.fault(vocabulary: Int(good.ids.max() ?? 0)) != nil)
    #expect(good.fault(vocabulary: 3) != nil)
  }
}
