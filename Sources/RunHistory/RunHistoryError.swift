internal import ExitCodes

/// Why a folder cannot be read as a run.
package enum RunHistoryError: ExitCoded, Equatable, CustomStringConvertible {
  case noRun(path: String)

  package var exitCode: Int32 { 66 }

  package var description: String {
    switch self {
    case .noRun(let path):
      "\(path): no run is here: run.json with config.resolved.yaml or metrics.jsonl is missing. "
        + "Give the output_dir of a training run."
    }
  }
}
