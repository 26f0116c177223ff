internal import Checkpoints
internal import Collectives
internal import Foundation
internal import RunHistory

/// `failures.log` in the output folder: why a run was given up.
///
/// A launcher whose network is cut loses what its ranks say last; this file it cannot lose.
enum FailureLog {
  /// Notes a time-out that `work` throws, by the rank that speaks for all.
  static func keeping<Result>(in folder: String, _ work: () throws -> Result) throws -> Result {
    do {
      return try work()
    } catch let error as CommunicatorError {
      if case .timedOut(let stall) = error, stall.isSpeaker { append("\(error)", in: folder) }
      throw error
    }
  }

  private static func append(_ text: String, in folder: String) {
    // Whoever cannot write it has said the same on stderr.
    let line = "\(Date().formatted(.iso8601)) \(text)\n"
    try? OpenFile("\(folder)/\(RunFile.failures)", .appending).append(Array(line.utf8))
  }
}
