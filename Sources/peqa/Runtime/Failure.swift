internal import ArgumentParser
internal import Collectives
internal import ExitCodes

/// How an error is shown and what the program returns for it.
struct Failure {
  let code: Int32
  /// Empty where everything has been said.
  let text: String

  init(_ error: any Error) {
    switch error {
    // The rank that failed says why.
    case let error as OtherRankFailed: (code, text) = (error.exitCode, "")
    case let error as any ExitCoded: (code, text) = (error.exitCode, "\(error)")
    case let error as ExitCode: (code, text) = (error.rawValue, "")
    default: (code, text) = (Peqa.exitCode(for: error).rawValue, Peqa.message(for: error))
    }
  }

  /// Why a run ended, in words, also where nothing more is to be said to the user.
  static func cause(of error: any Error) -> String {
    if let error = error as? OtherRankFailed { return "\(error)" }
    let failure = Failure(error)
    guard failure.text.isEmpty else { return failure.text }
    switch StopSignals.Request(rawValue: failure.code) {
    case .terminate: return "ended by TERM"
    case .interrupt: return "ended by INT"
    default: return "exit code \(failure.code)"
    }
  }
}
