/// Sequences over a token cache: which samples make up which sequence. The tokens stay in the map.
package struct TokenDataset: Sendable {
  private let cache: TokenCache
  /// Samples of all sequences, one sequence after the other.
  private let samples: [Int]
  /// Sequence i has `samples[bounds[i]..<bounds[i + 1]]`.
  private let bounds: [Int]
  /// Data files in the order of the build, for messages.
  private let files: [String]
  package let statistics: LengthStatistics
  package let supervisedTokens: Int

  /// `packed` nil puts each sample into a sequence by itself.
  init(
    cache: TokenCache, samples: [Int], files: [String], packed: (capacity: Int, seed: UInt64)?
  ) {
    self.cache = cache
    self.files = files
    let lengths = samples.map { cache.range(of: $0).count }
    statistics = LengthStatistics(lengths)
    supervisedTokens = samples.reduce(0) { $0 + cache.supervisedCount(of: $1) }
    guard let packed else {
      self.samples = samples
      bounds = Array(0...samples.count)
      return
    }
    let plan = SequencePacker.pack(
      lengths: lengths, capacity: packed.capacity, seed: packed.seed)
    self.samples = plan.flatMap { $0.map { samples[$0] } }
    bounds = plan.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) }
  }

  /// Number of sequences.
  package var count: Int { bounds.count - 1 }

  /// Ids of the samples, in the order of the sequences.
  package var sampleIDs: [Int] { samples }

  /// Tokens of a sequence, without reading them.
  package func length(at index: Int) -> Int {
    sampleIDs(at: index).reduce(0) { $0 + cache.range(of: $1).count }
  }

  package func sequence(at index: Int) -> PackedSequence {
    let ids = sampleIDs(at: index)
    var sequence = PackedSequence(
      tokens: [], targets: [], segmentStarts: [], sampleIDs: Array(ids))
    let length = length(at: index)
    sequence.tokens.reserveCapacity(length)
    sequence.targets.reserveCapacity(length)
    for id in ids {
      sequence.segmentStarts.append(sequence.tokens.count)
      cache.append(id, tokens: &sequence.tokens, targets: &sequence.targets)
    }
    return sequence
  }

  /// Where a sample came from: `train.jsonl:12`, `alpaca.json: element 3`.
  package func origin(ofSample id: Int) -> String {
    let (file, place) = cache.origin(of: id)
    return place.text(path: files.indices.contains(file) ? files[file] : "file \(file)")
  }

  private func sampleIDs(at index: Int) -> ArraySlice<Int> {
    precondition((0..<count).contains(index), "sequence outside the data set")
    return samples[bounds[index]..<bounds[index + 1]]
  }
}
