import Datasets
import Kernels
import TestSupport
import Testing

/// Over-long samples, windows, packing and length figures.
@Suite struct LengthTests {
  /// Prompts and responses of many lengths, as JSONL.
  static func completions(_ count: Int, longest: Int, seed: UInt64) -> [(String, String)] {
    var random = SplitMix64(seed: seed)
    return (0..<count).map { index in
      let prompt = "\(index):" + String(repeating: "p", count: random.below(longest / 2))
      return (prompt, String(repeating: "r", count: 1 + random.below(longest / 2)))
    }
  }

  static func jsonl(_ pairs: [(String, String)]) -> String {
    pairs.map { "{\"prompt\":\"\($0)\",\"completion\":\"\($1)\"}\n" }.joined()
  }

  @Test func raiseTellsWhatFits() throws {
    let folder = try TemporaryFolder()
    let pairs = (1...100).map { (String(repeating: "p", count: $0), "r") }
    let source = DatasetSource(path: try folder.put("a.jsonl", Self.jsonl(pairs)))
    let settings = DatasetSettings(maximumLength: 93)
    let error = #expect(throws: DatasetError.self) {
      try folder.builder(source, settings: settings).build()
    }
    // Lengths are BOS + n + 1 + EOS = 4 ... 103; the nearest ranks 50, 95 and 100 of 100.
    let text = try #require(error).description
    #expect(text.hasPrefix("10 of 100 samples (10.00 %) are longer than max_seq_length 93"))
    #expect(text.contains("p50 53, p95 98, max 103"))
    #expect(text.contains("a.jsonl:100"))
    #expect(text.contains("max_seq_length: 103"))
    let fitting = DatasetSettings(maximumLength: 103)
    #expect(try folder.builder(source, settings: fitting).build().counts.samples == 100)
  }

  @Test(arguments: [ExcessLengthStrategy.drop, .truncate], [false, true])
  func overLongSamples(_ strategy: ExcessLengthStrategy, _ trainOnInputs: Bool) throws {
    let folder = try TemporaryFolder()
    let pairs = Self.completions(400, longest: 120, seed: 5)
    let source = DatasetSource(path: try folder.put("a.jsonl", Self.jsonl(pairs)))
    let limit = 50
    let data = try folder.builder(
      source,
      settings: DatasetSettings(
        maximumLength: limit, excessLengthStrategy: strategy, trainOnInputs: trainOnInputs,
        packing: false)
    ).build()
    var expected: [(text: String, learnt: String)] = []
    var (dropped, truncated) = (0, 0)
    for (prompt, response) in pairs {
      let room = limit - prompt.count - 2
      if response.count <= room {
        expected.append(("<s>\(prompt)\(response)</s>", "\(response)</s>"))
      } else if strategy == .truncate, room >= 1 {
        truncated += 1
        expected.append(
          ("<s>\(prompt)\(response.prefix(room))</s>", "\(response.prefix(room))</s>"))
      } else {
        dropped += 1
      }
    }
    #expect(data.train.segments.map(\.text) == expected.map(\.text))
    let learnt = expected.map { trainOnInputs ? String($0.text.dropFirst(3)) : $0.learnt }
    #expect(data.train.segments.map(\.supervisedText) == learnt)
    #expect(data.counts.dropped == dropped && data.counts.truncated == truncated)
    #expect(dropped > 0 && (truncated > 0) == (strategy == .truncate))
  }

  /// A conversation is cut inside the last answer that still fits in part; its end token stays.
  @Test(arguments: 20...120)
  func truncatedConversationEndsItsTurn(_ limit: Int) throws {
    let folder = try TemporaryFolder()
    let line =
      #"{"messages":[{"role":"user","content":"uuuu"},{"role":"assistant","content":"aaaaaaaa"},"#
      + #"{"role":"user","content":"vvvv"},{"role":"assistant","content":"bbbbbbbb"}]}"#
    let source = DatasetSource(path: try folder.put("a.jsonl", line))
    let builder = folder.builder(
      source, settings: DatasetSettings(maximumLength: limit, excessLengthStrategy: .truncate))
    let turn = "<|im_start|>user\nuuuu<|im_end|>\n<|im_start|>assistant\n"
    // Specials are one token each: 1+5+4+1+1 for the user, 1+10 for the head of the answer.
    let firstAnswer = 23
    guard limit >= firstAnswer + 2 else {
      #expect(throws: DatasetError.self) { try builder.build() }
      return
    }
    let segment = try #require(try builder.build().train.segments.first)
    #expect(segment.tokens.count <= limit)
    #expect(segment.text.hasPrefix(turn + "a"))
    let whole = limit >= 66
    #expect(segment.text.hasSuffix(whole ? "<|im_end|>\n" : "<|im_end|>"))
    let first = min(8, limit - firstAnswer - 1)
    // The second answer starts after the first, its end, a line end, and 23 more.
    let second = max(0, min(8, limit - (firstAnswer + 8 + 2 + 23) - 1))
    let expected =
      String(repeating: "a", count: first) + "<|im_end|>"
      + (second > 0 ? String(repeating: "b", count: second) + "<|im_end|>" : "")
    #expect(segment.supervisedText == expected)
  }

  @Test(arguments: [true, false], [32, 33, 64, 500])
  func packedEqualsUnpacked(_ trainOnInputs: Bool, _ capacity: Int) throws {
    let folder = try TemporaryFolder()
    let pairs = Self.completions(500, longest: 26, seed: 8)
    let source = DatasetSource(path: try folder.put("a.jsonl", Self.jsonl(pairs)))
    func data(_ packing: Bool, seed: UInt64 = 1) throws -> TokenDataset {
      try folder.builder(
        source,
        settings: DatasetSettings(
          maximumLength: capacity, trainOnInputs: trainOnInputs, packing: packing, seed: seed)
      ).build().train
    }
    let packed = try data(true)
    let unpacked = try data(false)
    #expect(unpacked.count == 500)
    func bag(_ segments: [Segment]) -> [Segment: Int] {
      segments.reduce(into: [:]) { $0[$1, default: 0] += 1 }
    }
    #expect(bag(packed.segments) == bag(unpacked.segments))
    #expect(packed.sampleIDs.sorted() == Array(0..<500))
    var byID: [Int: Segment] = [:]
    for (id, segment) in zip(unpacked.sampleIDs, unpacked.segments) { byID[id] = segment }
    for (index, sequence) in packed.sequences.enumerated() {
      #expect(sequence.tokens.count <= capacity)
      #expect(sequence.tokens.count == packed.length(at: index))
      #expect(sequence.segmentOffsets.first == 0)
      #expect(sequence.segmentOffsets.count == sequence.sampleIDs.count)
      for (segment, id) in zip(sequence.segments, sequence.sampleIDs) {
        #expect(Array(sequence.tokens[segment]) == byID[id]?.tokens)
        #expect(sequence.targets[segment.upperBound - 1] == -1)
      }
    }
    // Best fit leaves no two sequences that would fit into one.
    let lengths = packed.sequences.map(\.tokens.count).sorted()
    if lengths.count > 1 { #expect(lengths[0] + lengths[1] > capacity) }
    #expect(try data(true).sequences == packed.sequences)
  }

  /// Best fit decreasing as a search through all sequences: least room that is enough, and of those
  /// the one that was filled last.
  @Test(arguments: [UInt64(1), 42])
  func packingIsBestFitDecreasing(_ seed: UInt64) throws {
    let folder = try TemporaryFolder()
    let text = Self.jsonl(Self.completions(300, longest: 40, seed: 5))
    let source = DatasetSource(path: try folder.put("a.jsonl", text))
    func data(_ packing: Bool) throws -> TokenDataset {
      let settings = DatasetSettings(maximumLength: 90, packing: packing, seed: seed)
      return try folder.builder(source, settings: settings).build().train
    }
    let lengths = try data(false).sequences.map(\.tokens.count)
    let rank = IndexPermutation(count: lengths.count, seed: seed)
    var sequences: [(samples: [Int], room: Int, turn: Int)] = []
    let order = lengths.indices.sorted { (-lengths[$0], rank[$0]) < (-lengths[$1], rank[$1]) }
    for (turn, sample) in order.enumerated() {
      let fitting = sequences.indices.filter { sequences[$0].room >= lengths[sample] }
      let best = fitting.min {
        (sequences[$0].room, -sequences[$0].turn) < (sequences[$1].room, -sequences[$1].turn)
      }
      if let best {
        sequences[best].samples.append(sample)
        sequences[best].room -= lengths[sample]
        sequences[best].turn = turn
      } else {
        sequences.append(([sample], 90 - lengths[sample], turn))
      }
    }
    let expected = sequences.map { $0.samples.sorted() }.sorted { $0[0] < $1[0] }
    #expect(try data(true).sequences.map(\.sampleIDs) == expected)
    #expect(expected.contains { $0.count > 2 })
  }

  @Test(arguments: [2, 3, 7, 64, 4096], [0, 1, 2, 3, 130])
  func textWindowsHoldTheText(_ window: Int, _ extra: Int) throws {
    let folder = try TemporaryFolder()
    let text = String(String(repeating: "abcdefg ", count: window).prefix(2 * window + extra))
    let source = DatasetSource(path: try folder.put("a.txt", text))
    let tokenizer = ByteTokenizer(bosID: nil, beginsWithBOS: false)
    let train = try folder.builder(
      source, settings: DatasetSettings(maximumLength: window, packing: false),
      tokenizer: tokenizer
    ).build().train
    let ids = text.utf8.map { Int32($0) }
    var position = 0
    for sequence in train.sequences {
      let expected = Array(ids[position..<min(position + window, ids.count)])
      #expect(sequence.tokens == expected)
      #expect(sequence.targets == expected.dropFirst() + [-1])
      position += expected.count
    }
    #expect(ids.count - position < 2)
  }

  /// A text of several parts gives the windows of the whole.
  @Test func longTextIsEncodedInParts() throws {
    let folder = try TemporaryFolder()
    let text = String(repeating: "words and, words\n = no = \n", count: 100_000)
    let source = DatasetSource(path: try folder.put("a.txt", text))
    func build(_ splits: Bool) throws -> PreparedDatasets {
      let tokenizer = ByteTokenizer(splitsBetweenWords: splits, fingerprint: "bytes \(splits)")
      return try folder.builder(source, tokenizer: tokenizer).build()
    }
    let (parts, whole) = (try build(true), try build(false))
    #expect(parts.cachePath != whole.cachePath)
    #expect(parts.counts == whole.counts)
    #expect(parts.train.sequences == whole.train.sequences)
    #expect(whole.counts.tokens == text.utf8.count + 1)
  }

  /// Against the definition: the least length that at least p % of the samples do not exceed.
  @Test(arguments: [1, 2, 3, 10, 99, 100, 101, 1000])
  func percentilesFollowTheirDefinition(_ count: Int) {
    var random = SplitMix64(seed: UInt64(count))
    let lengths = (0..<count).map { _ in random.below(300) }
    let statistics = LengthStatistics(lengths)
    func percentile(_ percent: Int) -> Int? {
      Set(lengths).sorted().first { bound in
        lengths.count { $0 <= bound } * 100 >= percent * lengths.count
      }
    }
    #expect(statistics.p50 == percentile(50))
    #expect(statistics.p95 == percentile(95))
    #expect(statistics.p99 == percentile(99))
    #expect(statistics.maximum == lengths.max())
    #expect(statistics.total == lengths.reduce(0, +) && statistics.count == count)
  }
}
