import Collectives
import DecoderModel
import Evaluation
import Foundation
import Testing

@Suite struct ShardedLossTests {
  static let text = TinyDecoder.tokens(150)

  /// Mean loss of windows, one prediction at a time: the logits after each prefix of a window, from
  /// the generation path, and log-sum-exp in Double.
  static func naive(_ decoder: Decoder, _ cut: PerplexityProtocol) throws -> (Double, Int) {
    var (sum, count) = (0.0, 0)
    for window in cut.windows(ofTokens: text.count) {
      for position in window.firstScored..<window.range.upperBound {
        let seen = (cut.bos.map { [$0] } ?? []) + text[window.range.lowerBound..<position]
        var found: [Float] = []
        try decoder.extend(seen, decoder.cache(capacity: seen.count), into: &found)
        let logits = found.map(Double.init)
        let peak = logits.max()!
        sum += peak + log(logits.reduce(0) { $0 + exp($1 - peak) }) - logits[Int(text[position])]
        count += 1
      }
    }
    return (sum / Double(count), count)
  }

  static let cuts: [PerplexityProtocol] = {
    let all: [(Int, Int?, Int?, Int32?)] = [
      (32, nil, nil, nil), (32, nil, 3, nil), (32, 8, nil, nil), (17, nil, nil, 2), (20, 7, 5, 0),
    ]
    return all.map {
      try! PerplexityProtocol(maximumLength: $0.0, stride: $0.1, windowLimit: $0.2, bos: $0.3)
    }
  }()

  @Test(arguments: cuts)
  func meanMatchesOnePredictionAtATime(cut: PerplexityProtocol) throws {
    let decoder = TinyDecoder.make()
    let report = try TextPerplexity(tokens: Self.text, cut: cut).sweep(decoder)
      .run(on: Communicator.start())
    let (loss, count) = try Self.naive(decoder, cut)
    #expect(report.tokens == count)
    // Both paths round in fp32; logits of about 10 and sums of 16 products in two layers differ by
    // a few dozen units of 2^-24 * 10.
    #expect(abs(report.loss - loss) < 2e-5)
    #expect(abs(report.perplexity - exp(loss)) < 2e-5 * exp(loss) * 1.1)
  }

  /// The integers of all simulated ranks, added in any order, are those of one rank.
  @Test(arguments: [2, 3, 4, 7, 30])
  func ranksAddUpExactly(size: Int) throws {
    let cut = try PerplexityProtocol(maximumLength: 13)
    func parts(_ size: Int, threads: Int) throws -> [[Int64]] {
      let sweep = try TextPerplexity(tokens: Self.text, cut: cut)
        .sweep(TinyDecoder.make(threads: threads))
      return try (0..<size).map { rank in
        var total = LossTotal(items: sweep.itemCount)
        for round in 0..<sweep.rounds(ranks: size) {
          try sweep.add(round: round, rank: rank, of: size, to: &total)
        }
        return Array(total.sum.values)
      }
    }
    let whole = try parts(1, threads: 1)[0]
    let shared = try parts(size, threads: 2)
    #expect(shared.count == size)
    let sum = shared.reversed().reduce([0, 0, 0]) { zip($0, $1).map(&+) }
    #expect(sum == whole)
    // 150 tokens in windows of 13: 12 windows, one prediction fewer each.
    #expect(whole[1] == 138 && whole[2] == 12)
  }

  @Test func totalsAreSumsOfItsItems() throws {
    var total = LossTotal(items: 3)
    try total.add([1.5, 2.25], item: 0)
    try total.add([], item: 1)
    try total.add([0.125], item: 2)
    #expect(total.loss == 3.875 && total.tokens == 3 && total.items == 3)
    #expect(throws: EvaluationError.self) { try total.add([.infinity], item: 4) }
    let error = #expect(throws: EvaluationError.self) { try total.add([1, .nan], item: 7) }
    #expect(error?.exitCode == 3 && "\(error, default: "")".contains("sequence 7"))
    // What failed has not been added.
    #expect(total.loss == 3.875 && total.items == 3)
  }

  @Test func progressAndStop() throws {
    var scored: [Int] = []
    let sweep = ShardedLoss(itemCount: 5) { item in
      scored.append(item)
      return [Double(item)]
    }
    var seen: [ShardedLoss.Progress] = []
    let report = try sweep.run(on: Communicator.start(), progress: { seen.append($0) })
    #expect(report.loss == 2 && report.items == 5 && report.tokens == 5)
    #expect(seen.map(\.done) == [1, 2, 3, 4, 5] && seen.allSatisfy { $0.total == 5 })
    #expect(seen.map(\.loss) == [0, 0.5, 1, 1.5, 2])
    scored = []
    #expect(throws: EvaluationError.stopped) {
      _ = try sweep.run(on: Communicator.start(), isStopped: { scored.count == 2 })
    }
    #expect(scored == [0, 1])
  }

  @Test func modelErrorsPassThrough() throws {
    let cut = try PerplexityProtocol(maximumLength: 8)
    let sweep = try TextPerplexity(tokens: [1, 2, 99], cut: cut).sweep(TinyDecoder.make())
    #expect(throws: DecoderError.self) { _ = try sweep.run(on: Communicator.start()) }
  }
}
