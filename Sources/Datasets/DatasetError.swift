internal import ExitCodes

/// What is wrong with a data set or its settings. The text says where, and what to do.
package enum DatasetError: ExitCoded, Equatable, CustomStringConvertible {
  /// No such file, or no file in a directory or for a pattern.
  case missing(path: String, reason: String)
  /// `location` is `file:line`, or `file: element n`.
  case malformed(location: String, reason: String)
  case empty(path: String, reason: String)
  case tooLong(ExcessReport)
  /// No sample has a token that counts in the loss.
  case nothingSupervised(path: String, samples: Int)
  case badSetting(key: String, reason: String)
  /// `code` is the exit code of the failure below.
  case cacheUnwritable(path: String, reason: String, code: Int32)
  /// The cache that another rank has built is not here, or damaged here.
  case cacheUnusable(path: String, reason: String)
  /// The caller's poll asked to stop; nothing was written.
  case cancelled

  package var description: String {
    switch self {
    case .missing(let path, let reason): "\(path): \(reason)"
    case .malformed(let location, let reason): "\(location): \(reason)"
    case .empty(let path, let reason): "\(path): \(reason)"
    case .tooLong(let report): report.description
    case .nothingSupervised(let path, let samples):
      """
      \(path): none of \(samples) samples has a response to learn from. Check the type of the \
      data set, raise max_seq_length, or set train_on_inputs: true.
      """
    case .badSetting(let key, let reason): "\(key): \(reason)"
    case .cacheUnwritable(let path, let reason, _):
      "\(path): the token cache cannot be written: \(reason). Set PEQA_CACHE to another directory."
    case .cacheUnusable(let path, let reason):
      "\(path): the token cache of another rank cannot be used here: \(reason)."
    case .cancelled: "data preparation was cancelled; nothing was written"
    }
  }

  /// Exit code by sysexits; a cancelled run exits with the code of its signal, which only the
  /// caller knows.
  package var exitCode: Int32 {
    switch self {
    case .malformed, .empty, .tooLong, .nothingSupervised: 65
    case .missing: 66
    case .cacheUnwritable(_, _, let code): code
    case .cacheUnusable: 74
    case .badSetting: 78
    case .cancelled: 130
    }
  }
}

/// How many samples exceed `max_seq_length`, and the setting that fits.
package struct ExcessReport: Sendable, Equatable, CustomStringConvertible {
  package var overLong: Int
  package var samples: Int
  package var maximumLength: Int
  /// Lengths of all samples, in tokens, before any cut.
  package var lengths: LengthStatistics
  /// Place of the longest sample, e.g. `train.jsonl:12`.
  package var longest: String

  package var description: String {
    let percent = LengthStatistics.percent(overLong, of: samples)
    return """
      \(overLong) of \(samples) samples (\(percent)) are longer than max_seq_length \
      \(maximumLength): lengths p50 \(lengths.p50), p95 \(lengths.p95), max \(lengths.maximum) \
      (\(longest)). Set max_seq_length: \(lengths.maximum) to keep all, or \
      excess_length_strategy: truncate or drop.
      """
  }
}
