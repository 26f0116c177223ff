package import JSONText

/// What became of the token cache.
package enum CacheState: Sendable, Equatable, CustomStringConvertible {
  case reused
  case built
  /// There was a file, but it was damaged or foreign.
  case rebuilt(reason: String)

  package var description: String {
    switch self {
    case .reused: "reused"
    case .built: "built"
    case .rebuilt(let reason): "rebuilt, because \(reason)"
    }
  }
}

/// Training and validation sequences, and what is to be said about them before training.
package struct PreparedDatasets: Sendable, CustomStringConvertible {
  package let train: TokenDataset
  package let validation: TokenDataset?
  package let counts: DatasetCounts
  package let cachePath: String
  package let identity: CacheIdentity
  package let cacheState: CacheState
  /// Path and split of each source, in the order of `counts.sources`.
  package let sourceNames: [String]
  package let seed: UInt64

  /// Tells the split apart from data orders drawn from the same seed.
  private static let splitStream: UInt64 = 0x7370_6C69_74

  init(
    cache: TokenCache, key: String, state: CacheState, settings: DatasetSettings,
    sources: [DatasetSource],
    files: [String]
  ) throws(DatasetError) {
    let heldOut = try settings.validation.resolved(samples: cache.sampleCount)
    let order = IndexPermutation(
      count: cache.sampleCount, seed: settings.seed, stream: Self.splitStream)
    var isHeldOut = [Bool](repeating: false, count: cache.sampleCount)
    for location in 0..<heldOut { isHeldOut[order[location]] = true }
    func samples(heldOut: Bool) -> [Int32] {
      (0..<Int32(cache.sampleCount)).filter { isHeldOut[Int($0)] == heldOut }
    }
    let packed =
      settings.packing ? (capacity: settings.maximumLength, seed: settings.seed) : nil
    train = TokenDataset(
      cache: cache, samples: samples(heldOut: false), files: files, packed: packed)
    validation =
      heldOut == 0
      ? nil
      : TokenDataset(cache: cache, samples: samples(heldOut: true), files: files, packed: packed)
    counts = cache.counts
    cachePath = cache.path
    identity = CacheIdentity(key: key, digest: cache.digest)
    cacheState = state
    sourceNames = sources.map {
      $0.path + ($0.split == .all ? "" : " \($0.split.description)")
    }
    seed = settings.seed
  }

  /// The record of this preparation, for logs and `run.json`.
  package var json: JSONValue {
    guard case .object(var members) = counts.json else { return counts.json }
    func dataset(_ set: TokenDataset) -> JSONValue {
      [
        "samples": .integer(set.statistics.count), "sequences": .integer(set.count),
        "tokens": .integer(set.statistics.total),
        "supervised_tokens": .integer(set.supervisedTokens),
        "length_histogram": .array(
          set.lengthHistogram.map {
            [.integer($0.least), .integer($0.greatest), .integer($0.samples)]
          }
        ),
      ]
    }
    let additions: [(String, JSONValue)] = [
      ("paths", .array(sourceNames.map { .string($0) })), ("train", dataset(train)),
      ("validation", validation.map(dataset) ?? .null), ("split_seed", .string(String(seed))),
      ("cache", .string(cachePath)), ("cache_state", .string(cacheState.description)),
    ]
    members += additions.map { JSONValue.Member(key: $0.0, value: $0.1) }
    return .object(members)
  }

  /// A few lines for people.
  package var description: String {
    var lines = zip(sourceNames, counts.sources).map { name, source in
      "\(name): \(source.type.rawValue), \(source.records) records, \(source.samples) samples"
    }
    let lengths = counts.lengths
    lines.append(
      "\(counts.samples) samples, \(counts.tokens) tokens, \(counts.supervisedTokens) in the loss; "
        + "lengths p50 \(lengths.p50), p95 \(lengths.p95), p99 \(lengths.p99), "
        + "max \(lengths.maximum)"
    )
    let losses = [
      (counts.dropped, "dropped as too long"), (counts.truncated, "truncated"),
      (counts.unsupervised, "left out without a response to learn from"),
    ].filter { $0.0 > 0 }
    if !losses.isEmpty {
      lines.append(losses.map { "\($0.0) \($0.1)" }.joined(separator: ", "))
    }
    lines.append("training: \(train.statistics.count) samples in \(train.count) sequences")
    if let validation {
      lines.append(
        "validation: \(validation.statistics.count) samples in \(validation.count) sequences "
          + "(split by seed \(seed))")
    }
    lines.append("token cache: \(cachePath) (\(cacheState.description))")
    return lines.joined(separator: "\n")
  }
}
