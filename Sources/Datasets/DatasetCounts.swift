package import JSONText

/// What preparation counted over all sources.
package struct DatasetCounts: Sendable, Equatable {
  /// Records read.
  package var records = 0
  /// Samples kept; a long text is several.
  package var samples = 0
  package var tokens = 0
  /// Tokens that count in the loss.
  package var supervisedTokens = 0
  /// Samples left out for their length.
  package var dropped = 0
  /// Samples cut to `max_seq_length`.
  package var truncated = 0
  /// Samples left out because no token of them would count in the loss.
  package var unsupervised = 0
  /// Lengths of the samples kept.
  package var lengths = LengthStatistics([Int]())
  package var sources: [Source] = []

  /// The part of one source.
  package struct Source: Sendable, Equatable {
    /// The type found, where `auto` was asked for.
    package var type: DatasetType
    package var records = 0
    package var samples = 0

    package init(type: DatasetType, records: Int = 0, samples: Int = 0) {
      (self.type, self.records, self.samples) = (type, records, samples)
    }
  }

  package init() {}
}

extension DatasetCounts {
  package var json: JSONValue {
    [
      "records": .integer(records), "samples": .integer(samples), "tokens": .integer(tokens),
      "supervised_tokens": .integer(supervisedTokens), "dropped": .integer(dropped),
      "truncated": .integer(truncated), "unsupervised": .integer(unsupervised),
      "lengths": [
        "count": .integer(lengths.count), "total": .integer(lengths.total),
        "p50": .integer(lengths.p50), "p95": .integer(lengths.p95),
        "p99": .integer(lengths.p99), "max": .integer(lengths.maximum),
      ],
      "sources": .array(
        sources.map {
          [
            "type": .string($0.type.rawValue), "records": .integer($0.records),
            "samples": .integer($0.samples),
          ]
        }),
    ]
  }

  /// Nil where a member is missing or of the wrong kind.
  init?(_ json: JSONValue) {
    func count(_ key: String, in value: JSONValue?) -> Int? {
      guard let number = value?[key]?.int, number >= 0 else { return nil }
      return number
    }
    guard let records = count("records", in: json), let samples = count("samples", in: json),
      let tokens = count("tokens", in: json), let dropped = count("dropped", in: json),
      let supervised = count("supervised_tokens", in: json),
      let truncated = count("truncated", in: json),
      let unsupervised = count("unsupervised", in: json), let sources = json["sources"]?.array,
      let lengths = LengthStatistics(json["lengths"])
    else { return nil }
    self.records = records
    self.samples = samples
    self.tokens = tokens
    supervisedTokens = supervised
    self.dropped = dropped
    self.truncated = truncated
    self.unsupervised = unsupervised
    self.lengths = lengths
    for source in sources {
      guard let type = source["type"]?.string.flatMap(DatasetType.init(rawValue:)),
        let records = count("records", in: source), let samples = count("samples", in: source)
      else { return nil }
      self.sources.append(Source(type: type, records: records, samples: samples))
    }
  }
}

extension LengthStatistics {
  fileprivate init?(_ json: JSONValue?) {
    self.init([Int]())
    guard let count = json?["count"]?.int, let total = json?["total"]?.int,
      let p50 = json?["p50"]?.int, let p95 = json?["p95"]?.int, let p99 = json?["p99"]?.int,
      let maximum = json?["max"]?.int
    else { return nil }
    (self.count, self.total, self.p50, self.p95) = (count, total, p50, p95)
    (self.p99, self.maximum) = (p99, maximum)
  }
}
