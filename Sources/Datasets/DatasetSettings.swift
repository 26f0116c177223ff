/// What happens to a sample longer than `max_seq_length`.
package enum ExcessLengthStrategy: String, Sendable, CaseIterable {
  /// An error that tells how many there are and which setting fits.
  case raise
  /// Such samples are left out and counted.
  case drop
  /// The response is cut, its end token kept; a sample whose prompt alone fills it is dropped.
  case truncate
}

/// How many samples are held out.
package enum ValidationSize: Sendable, Equatable {
  case none
  /// Part of all samples, in 0..<1.
  case fraction(Double)
  case count(Int)

  /// The meaning of `val_set_size`: below 1 a fraction, else a whole count.
  package init(_ number: Double) throws(DatasetError) {
    guard number.isFinite, number >= 0 else {
      throw .badSetting(key: "val_set_size", reason: "\(number) is not a count or a fraction")
    }
    if number == 0 {
      self = .none
    } else if number < 1 {
      self = .fraction(number)
    } else if let count = Int(exactly: number) {
      self = .count(count)
    } else {
      throw .badSetting(key: "val_set_size", reason: "\(number) is neither below 1 nor whole")
    }
  }

  /// Samples held out of `samples`; leaves at least one for training.
  func resolved(samples: Int) throws(DatasetError) -> Int {
    let count =
      switch self {
      case .none: 0
      case .fraction(let fraction): max(1, Int((Double(samples) * fraction).rounded()))
      case .count(let count): count
      }
    guard count < samples else {
      throw .badSetting(
        key: "val_set_size", reason: "\(count) of \(samples) samples leaves none to train on")
    }
    return count
  }
}

/// How examples become sequences.
package struct DatasetSettings: Sendable, Equatable {
  /// Longest sequence in tokens (`max_seq_length`).
  package var maximumLength: Int
  package var excessLengthStrategy: ExcessLengthStrategy
  /// The loss counts the prompt too.
  package var trainOnInputs: Bool
  /// Several samples a sequence.
  package var packing: Bool
  package var validation: ValidationSize
  package var seed: UInt64
  /// Whether a sequence starts with BOS; nil is the tokenizer's default. Chat templates write their
  /// own.
  package var beginsWithBOS: Bool?
  /// Names of special tokens in plain text (`<|endoftext|>`) become those tokens. Prompts,
  /// responses and chat turns are never parsed so.
  package var parsesSpecialInText: Bool
  /// Bytes of the largest record that is read; larger ones are an error. It decides whether there
  /// is a result, never which.
  package var largestRecord: Int

  package static let defaultLargestRecord = 16 << 20

  package init(
    maximumLength: Int = 2048, excessLengthStrategy: ExcessLengthStrategy = .raise,
    trainOnInputs: Bool = false, packing: Bool = true, validation: ValidationSize = .none,
    seed: UInt64 = 42, beginsWithBOS: Bool? = nil, parsesSpecialInText: Bool = false,
    largestRecord: Int = DatasetSettings.defaultLargestRecord
  ) {
    self.maximumLength = maximumLength
    self.excessLengthStrategy = excessLengthStrategy
    self.trainOnInputs = trainOnInputs
    self.packing = packing
    self.validation = validation
    self.seed = seed
    self.beginsWithBOS = beginsWithBOS
    self.parsesSpecialInText = parsesSpecialInText
    self.largestRecord = largestRecord
  }
}
