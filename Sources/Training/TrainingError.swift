internal import ExitCodes
internal import Reporting

/// What stops a training run.
package enum TrainingError: ExitCoded, CustomStringConvertible {
  /// All faults of a configuration.
  case config([ConfigFault])
  /// A sum that is not finite, found before any update.
  case nonFinite(NonFinite)
  /// An update made scales that the adapter's type cannot hold.
  case scalesNotFinite(step: Int, count: Int)
  /// Another process writes to the output folder.
  case locked(path: String, owner: String)
  /// The output folder holds a run that must not be replaced unasked.
  case outputExists(path: String, reason: String)
  /// The checkpoint belongs to another run; each entry names one difference.
  case resumeMismatch(checkpoint: String, differences: [String])
  /// No usable checkpoint where one was asked for.
  case noCheckpoint(path: String, reasons: [String])
  case missing(path: String, remedy: String)
  case badData(String)
  /// Masters or moments of some ranks are not those of the others; `ranks` are the disagreeing ones
  /// where there is a majority, else all.
  case statesDiffer(step: Int, ranks: [String], isMajority: Bool)
  /// Sequences of a batch were computed by no rank, or twice.
  case workLost(step: Int, sequences: Int)
  /// A model that this run cannot learn from.
  case badTeacher(path: String, reason: String)
  /// A file of what a teacher says cannot be written or used; `code` is the exit code.
  case teacherCache(path: String, reason: String, code: Int32)

  /// Which sequences of which step were not finite.
  package struct NonFinite: Sendable, Equatable {
    /// Step about to be taken, from 1.
    package var step: Int
    package var sequences: [Sequence]

    package struct Sequence: Sendable, Equatable {
      package var rank: Int
      package var sampleIDs: [String]
    }
  }
}

extension TrainingError {
  package var exitCode: Int32 {
    switch self {
    case .config, .resumeMismatch: 78
    case .nonFinite, .scalesNotFinite: 3
    case .locked, .outputExists: 73
    case .noCheckpoint, .missing: 66
    case .badData, .badTeacher: 65
    case .teacherCache(_, _, let code): code
    case .statesDiffer: 71
    case .workLost: 70
    }
  }

  package var description: String {
    switch self {
    case .config(let faults):
      let lines = faults.map { "  \($0)" }.joined(separator: "\n")
      return "the configuration has \(counted(faults.count, "fault")):\n\(lines)"
    case .nonFinite(let fault):
      let places = fault.sequences.map {
        "rank \($0.rank), samples \($0.sampleIDs.joined(separator: ", "))"
      }
      return
        "step \(fault.step): loss or gradient is not finite, or too large for an exact sum (\(places.joined(separator: "; "))). "
        + "Nothing was updated. Look at these samples, or lower learning_rate."
    case .scalesNotFinite(let step, let count):
      return
        "step \(step): the update made \(counted(count, "scale")) infinite or not a "
        + "number (fp16 holds up to 65504). Nothing was saved since the last checkpoint. Lower "
        + "learning_rate, or quantize the model anew if its scales are that large."
    case .locked(let path, let owner):
      return "\(path): in use by \(owner). Wait for it, or choose another output_dir."
    case .outputExists(let path, let reason):
      return "\(path): \(reason). Set overwrite_output_dir: true to replace it, "
        + "or choose another output_dir."
    case .resumeMismatch(let checkpoint, let differences):
      return "\(checkpoint): cannot continue this run, it differs in:\n"
        + differences.map { "  \($0)" }.joined(separator: "\n")
        + "\nRestore these settings, or start anew with resume: never and another output_dir."
    case .noCheckpoint(let path, let reasons):
      return "\(path): no usable checkpoint"
        + (reasons.isEmpty ? "." : ":\n" + reasons.map { "  \($0)" }.joined(separator: "\n"))
        + "\nNothing was changed. Put whole copies back, or begin again: give another output_dir, or "
        + "resume: never with overwrite_output_dir: true, which removes what is there."
    case .missing(let path, let remedy): return "\(path): not found. \(remedy)"
    case .badData(let text): return text
    case .statesDiffer(let step, let ranks, let isMajority):
      let names = ranks.joined(separator: ", ")
      let found =
        isMajority
        ? "scales or moments of \(names) are not those of the other ranks"
        : "scales or moments differ between \(names), without a majority"
      return "after step \(step): \(found). A fault of that host's memory or processor is likely: "
        + "leave the host out, then start again. No checkpoint was written since."
    case .badTeacher(let path, let reason): return "\(path): \(reason)"
    case .teacherCache(let path, let reason, _):
      return "\(path): what the teacher says cannot be kept or read here: \(reason). Set "
        + "dataset_cache to another folder, or remove the file; it is made anew."
    case .workLost(let step, let count):
      return "step \(step): \(count) sequences were computed by no rank or by two. Nothing was "
        + "updated. Set schedule: static, and report it."
    }
  }
}
