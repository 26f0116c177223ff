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
}
