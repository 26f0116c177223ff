internal import ExitCodes

/// Another rank failed and has said why; this one leaves with the same code.
package struct OtherRankFailed: ExitCoded, Equatable, CustomStringConvertible {
  /// Nil where the ranks only know that one of them did.
  package var rank: Int?
  package var exitCode: Int32

  package init(rank: Int? = nil, exitCode: Int32) { (self.rank, self.exitCode) = (rank, exitCode) }

  package var description: String {
    let name = rank.map { "rank \($0)" } ?? "another rank"
    return "\(name) failed with code \(exitCode); see its message"
  }
}

extension Communicator {
  /// Called by all ranks: throws on all of them where one has a `failure`, its own on that one.
  ///
  /// - Parameter code: of the failure, where it is none of `ExitCoded`.
  package func agree(on failure: (any Error)?, code: Int32? = nil) throws {
    let code = try allAgree(code ?? failure?.programExitCode ?? 0)
    if let failure { throw failure }
    if code != 0 { throw OtherRankFailed(exitCode: code) }
  }
}
