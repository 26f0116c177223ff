internal import Checkpoints

/// Sequences over a token cache: which samples make up which sequence. The tokens stay in the map.
///
/// Private memory of a rank: 4 bytes per sample and 4 per sequence. While it is made, 16 bytes per
/// sample and 12 per sequence more.
package struct TokenDataset: Sendable {
  private let cache: TokenCache
  /// Samples of all sequences, one sequence after the other.
  private let samples: [Int32]
  /// Sequence i has `samples[bounds[i]..<bounds[i + 1]]`.
  private let bounds: [Int32]
  /// Data files in the order of the build, for messages.
  private let files: [String]
  package let statistics: LengthStatistics
  package let supervisedTokens: Int

  /// `packed` nil puts each sample into a sequence by itself.
  init(
    cache: TokenCache, samples: [Int32], files: [String], packed: (capacity: Int, seed: UInt64)?
  ) {
    self.cache = cache
    self.files = files
    let lengths = samples.map { Int32(cache.range(of: Int($0)).count) }
    statistics = LengthStatistics(lengths)
    supervisedTokens = samples.reduce(0) { $0 + cache.supervisedCount(of: Int($1)) }
    guard let packed else {
      self.samples = samples
      bounds = Array(0...Int32(samples.count))
      return
    }
    var plan = SequencePacker.pack(
      lengths: lengths, capacity: packed.capacity, seed: packed.seed)
    for location in plan.samples.indices {
      plan.samples[location] = samples[Int(plan.samples[location])]
    }
    self.samples = plan.samples
    bounds = plan.bounds
  }

  /// Number of sequences.
  package var count: Int { bounds.count - 1 }

  /// Ids of the samples, in the order of the sequences.
  package var sampleIDs: [Int] { samples.map(Int.init) }

  /// SHA-256 of the tokens and of how they make up sequences, in hexadecimal.
  package var digest: String {
    var hash = SHA256()
    Array(cache.digest.utf8).withUnsafeBytes { hash.update($0) }
    for numbers in [samples, bounds] {
      numbers.map(\.littleEndian).withUnsafeBytes { hash.update($0) }
    }
    return hash.hexDigest()
  }

  /// Tokens of a sequence, without reading them.
  package func length(at index: Int) -> Int {
    sampleIDs(at: index).reduce(0) { $0 + cache.range(of: Int($1)).count }
  }

  /// Samples by their length in tokens.
  package var lengthHistogram: [LengthBin] {
    LengthBin.count(samples.lazy.map { cache.range(of: Int($0)).count })
  }

  package func sequence(at index: Int) -> PackedSequence {
    let ids = sampleIDs(at: index)
    var sequence = PackedSequence(
      tokens: [], targets: [], segmentOffsets: [], sampleIDs: ids.map(Int.init),
      index: index)
    let length = length(at: index)
    sequence.tokens.reserveCapacity(length)
    sequence.targets.reserveCapacity(length)
    for id in ids {
      sequence.segmentOffsets.append(sequence.tokens.count)
      cache.append(Int(id), tokens: &sequence.tokens, targets: &sequence.targets)
    }
    return sequence
  }

  /// Where a sample came from: `train.jsonl:12`, `alpaca.json: element 3`.
  package func origin(ofSample id: Int) -> String {
    let (file, location) = cache.origin(of: id)
    return location.text(path: files.indices.contains(file) ? files[file] : "file \(file)")
  }

  private func sampleIDs(at index: Int) -> ArraySlice<Int32> {
    precondition((0..<count).contains(index), "sequence outside the data set")
    return samples[Int(bounds[index])..<Int(bounds[index + 1])]
  }
}
