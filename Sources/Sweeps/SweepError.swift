internal import ExitCodes

/// What ends a sweep. Faults of its file are `TrainingError.config`.
package enum SweepError: ExitCoded, CustomStringConvertible {
  /// The folder was begun with another sweep file.
  case changed(path: String, folder: String)
  /// Another sweep works in the folder.
  case inUse(folder: String)
  /// What says how far the sweep is cannot be read.
  case badPlan(path: String, reason: String)
  /// A program that starts runs is not there, or cannot be started.
  case noLauncher(String)
  /// A run was given up too often for reasons that may pass.
  case runLost(name: String, code: Int32, log: String)
  /// All runs have failed; `code` is that of the last.
  case nothingLeft(folder: String, code: Int32)
  /// A signal came; the code is 75, 130 or 143.
  case stopped(code: Int32)

  package var exitCode: Int32 {
    switch self {
    case .changed: 78
    case .inUse: 73
    case .badPlan: 65
    case .noLauncher: 69
    case .runLost: 75
    case .nothingLeft(_, let code): code
    case .stopped(let code): code
    }
  }

  package var description: String {
    switch self {
    case .changed(let path, let folder):
      "\(path): \(folder) was begun with other parameters or another run file, and results of both "
        + "cannot be compared. Put back what stood there (\(folder)/sweep.yaml has it), or give "
        + "another output_dir."
    case .inUse(let folder):
      "\(folder): another sweep works here. Wait for it, or give another output_dir."
    case .badPlan(let path, let reason):
      "\(path): \(reason). Put a copy back, or remove the file: runs are kept, and what has failed "
        + "is tried again."
    case .noLauncher(let text): text
    case .runLost(let name, let code, let log):
      "\(name) was lost (code \(code)) as often as retries allows. \(log) says why. Start again to "
        + "go on."
    case .nothingLeft(let folder, _):
      "\(folder): every run has failed; plan.json and the logs beside it say why. Correct the run "
        + "file and give another output_dir, or start again with --retry-failed."
    case .stopped(let code): "stopped on request (\(code)); start again to go on"
    }
  }
}
