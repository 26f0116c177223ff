package import JSONText

/// What a run knows of its data: the member `data` of `run.json`.
package struct RunData: Sendable, Equatable {
  package var paths: [String] = []
  /// Types of the sources, in the order of `paths`.
  package var types: [String] = []
  package var records = 0
  /// Samples kept; `dropped`, `truncated` and `unsupervised` count those that were not, or not
  /// whole.
  package var samples = 0
  package var tokens = 0
  package var supervisedTokens = 0
  package var dropped = 0
  package var truncated = 0
  package var unsupervised = 0
  /// Largest length and percentiles of the samples kept, in tokens.
  package var longest = 0
  package var percentiles: [Percentile] = []
  package var train = Part()
  package var validation: Part?

  /// The samples that are trained on, or those that are held out.
  package struct Part: Sendable, Equatable {
    package var samples = 0
    package var sequences = 0
    package var tokens = 0
    package var supervisedTokens = 0
    /// Samples by length; empty in files of versions that did not count them.
    package var lengths: [LengthBin] = []

    package init() {}
  }

  /// Samples of `least` to `greatest` tokens, both included.
  package struct LengthBin: Sendable, Equatable {
    package var least: Int
    package var greatest: Int
    package var samples: Int
  }

  /// The length that `percent` % of the samples do not exceed, in tokens.
  package struct Percentile: Sendable, Equatable {
    package var percent: Int
    package var length: Int
  }
}

extension RunData {
  /// Nil where there is no object. Members that are missing or make no sense count as 0.
  package init?(_ json: JSONValue?) {
    guard let json, json.members != nil else { return nil }
    paths = json["paths"]?.array?.compactMap(\.string) ?? []
    types = json["sources"]?.array?.compactMap { $0["type"]?.string } ?? []
    records = json.count("records")
    samples = json.count("samples")
    tokens = json.count("tokens")
    supervisedTokens = json.count("supervised_tokens")
    dropped = json.count("dropped")
    truncated = json.count("truncated")
    unsupervised = json.count("unsupervised")
    longest = json["lengths"]?.count("max") ?? 0
    percentiles = [50, 95, 99].compactMap { percent in
      json["lengths"]?["p\(percent)"]?.count.map { Percentile(percent: percent, length: $0) }
    }
    train = Part(json["train"]) ?? Part()
    validation = Part(json["validation"])
  }
}

extension RunData.Part {
  init?(_ json: JSONValue?) {
    guard let json, json.members != nil else { return nil }
    samples = json.count("samples")
    sequences = json.count("sequences")
    tokens = json.count("tokens")
    supervisedTokens = json.count("supervised_tokens")
    lengths = (json["length_histogram"]?.array ?? []).prefix(1000).compactMap { bin in
      guard let numbers = bin.array?.compactMap(\.count), numbers.count == 3,
        numbers[0] <= numbers[1]
      else { return nil }
      return RunData.LengthBin(least: numbers[0], greatest: numbers[1], samples: numbers[2])
    }
  }
}
