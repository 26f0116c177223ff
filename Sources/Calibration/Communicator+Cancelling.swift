internal import Collectives

extension Communicator {
  /// Throws on all ranks where one is cancelled, so that they leave together; collective.
  func throwWhereCancelled(_ isCancelled: Bool) throws {
    guard try allReduceMax(isCancelled ? 1 : 0) == 0 else { throw CalibrationError.cancelled }
  }
}
