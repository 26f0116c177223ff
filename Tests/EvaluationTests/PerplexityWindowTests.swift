import Evaluation
import Testing

@Suite struct PerplexityWindowTests {
  /// Every (position scored, first position seen) by a direct transcription of the loop in Hugging
  /// Face's guide, one token at a time.
  static func naive(
    count: Int, length: Int, stride: Int, limit: Int, bos: Bool
  ) -> [[Int: Int]] {
    var windows: [[Int: Int]] = []
    var previousEnd = 0
    for begin in Swift.stride(from: 0, to: count, by: stride) {
      let end = min(begin + length - (bos ? 1 : 0), count)
      let fresh = end - previousEnd
      var scored: [Int: Int] = [:]
      for position in begin..<end {
        let isFresh = position >= end - fresh
        let hasPredecessor = bos || position > begin
        if isFresh && hasPredecessor { scored[position] = begin }
      }
      if !scored.isEmpty { windows.append(scored) }
      previousEnd = end
      if end == count { break }
    }
    return Array(windows.prefix(limit))
  }

  @Test(arguments: [0, 1, 2, 3, 7, 8, 9, 16, 17, 40, 41], [2, 3, 8])
  func windowsMatchTheGuide(count: Int, length: Int) throws {
    for bos in [false, true] {
      let longest = length - (bos ? 1 : 0)
      for stride in 1...longest {
        for limit in [1, 2, 1000] {
          let cut = try PerplexityProtocol(
            maximumLength: length, stride: stride, windowLimit: limit, bos: bos ? 5 : nil)
          let windows = cut.windows(ofTokens: count).map { window in
            Dictionary(
              uniqueKeysWithValues: (window.firstScored..<window.range.upperBound).map {
                ($0, window.range.lowerBound)
              })
          }
          #expect(
            windows
              == Self.naive(count: count, length: length, stride: stride, limit: limit, bos: bos))
        }
      }
    }
  }

  @Test func twentyWindowsOf1024() throws {
    let cut = try PerplexityProtocol(maximumLength: 1024, windowLimit: 20)
    let windows = cut.windows(ofTokens: 300_000)
    #expect(windows.count == 20)
    #expect(windows.map { $0.range.upperBound - $0.firstScored }.reduce(0, +) == 20460)
    #expect(windows[19].range == 19 * 1024..<20 * 1024)
  }

  @Test func inputsAndTargets() throws {
    let text: [Int32] = [10, 11, 12, 13, 14]
    let plain = try PerplexityProtocol(maximumLength: 4, stride: 2)
    let second = plain.input(plain.windows(ofTokens: 5)[1], of: text)
    #expect(second.tokens == [12, 13, 14])
    #expect(second.targets == [-1, 14, -1])
    let begun = try PerplexityProtocol(maximumLength: 4, bos: 1)
    #expect(begun.windows(ofTokens: 5).map(\.range) == [0..<3, 3..<5])
    let first = begun.input(begun.windows(ofTokens: 5)[0], of: text)
    #expect(first.tokens == [1, 10, 11, 12])
    #expect(first.targets == [10, 11, 12, -1])
  }

  @Test func settingsOutOfRange() {
    func fails(_ flag: String, _ make: () throws -> PerplexityProtocol) {
      #expect {
        _ = try make()
      } throws: { error in
        guard let error = error as? EvaluationError, case .badSetting(flag, let reason) = error
        else { return false }
        return error.exitCode == 64 && !reason.isEmpty
      }
    }
    fails("--max-length") { try PerplexityProtocol(maximumLength: 1) }
    fails("--max-length") { try PerplexityProtocol(maximumLength: -5) }
    fails("--stride") { try PerplexityProtocol(maximumLength: 8, stride: 0) }
    fails("--stride") { try PerplexityProtocol(maximumLength: 8, stride: 9) }
    fails("--stride") { try PerplexityProtocol(maximumLength: 8, stride: 8, bos: 1) }
    fails("--windows") { try PerplexityProtocol(maximumLength: 8, windowLimit: 0) }
  }

  @Test func textsTooShort() throws {
    let plain = try PerplexityProtocol(maximumLength: 8)
    #expect(throws: EvaluationError.textTooShort(tokens: 1, needed: 2)) {
      _ = try TextPerplexity(tokens: [3], cut: plain)
    }
    let begun = try PerplexityProtocol(maximumLength: 8, bos: 1)
    #expect(throws: EvaluationError.textTooShort(tokens: 0, needed: 1)) {
      _ = try TextPerplexity(tokens: [], cut: begun)
    }
    #expect(try TextPerplexity(tokens: [3], cut: begun).windowCount == 1)
  }
}
