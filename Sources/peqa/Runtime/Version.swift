internal import CBuild
internal import Collectives
internal import Kernels

/// What the program is made of, for `--version` and for the record of a run.
enum Version {
  static let number = "0.1.0"

  /// The commit of the sources; nil for a build that was made without Git and without PEQA_COMMIT.
  static let commit: String? = {
    let commit = String(cString: peqa_build_commit())
    return commit.isEmpty ? nil : commit
  }()

  /// Number and commit, such as `0.1.0 (commit 0123456789ab)`.
  static var numberAndCommit: String { "\(number) (commit \(commit ?? "unknown"))" }

  static var text: String {
    """
    peqa \(numberAndCommit)
    kernels: \(InstructionSet.best.rawValue)
    MPI: \(Communicator.mpiVersion)
    BLAS: \(BLAS.version) (\(BLAS.coreName) kernels)
    """
  }
}
