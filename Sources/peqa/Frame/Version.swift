internal import Collectives
internal import Kernels

/// What the program is made of, for `--version` and for the record of a run.
enum Version {
  static let number = "0.1.0"

  static var text: String {
    """
    peqa \(number)
    kernels: \(InstructionSet.best.rawValue)
    MPI: \(Communicator.mpiVersion)
    BLAS: \(BLAS.version) (\(BLAS.coreName) kernels)
    """
  }
}
