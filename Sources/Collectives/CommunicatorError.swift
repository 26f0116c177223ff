internal import ExitCodes

/// What can go wrong between ranks.
package enum CommunicatorError: ExitCoded, Equatable {
  /// The launcher started `expected` processes, but MPI sees only `actual`.
  case launcherMismatch(expected: Int, source: String, actual: Int)
  /// `srun` started several tasks without any process manager that MPI could speak to.
  case noProcessManager(tasks: Int)
  case alreadyStarted
  case threadLevel
  /// An MPI call returned an error code; `text` is MPI's own.
  case callFailed(call: String, text: String)
  /// A collective was given up: another rank died, hangs or is cut off. MPI still owns the buffers
  /// of that collective: the process must end, by `Communicator.leaveUnfinished`, and do nothing
  /// else.
  case timedOut(Stall)
  /// `Communicator.interruption` asked to leave. The process must end as after `.timedOut`.
  case interrupted(code: Int32)
  case tooLarge(collective: String, bytes: Int)

  package var exitCode: Int32 {
    switch self {
    case .timedOut: 75
    case .interrupted(let code): code
    case .tooLarge: 70
    default: 69
    }
  }
}

extension CommunicatorError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .launcherMismatch(let expected, let source, let actual):
      """
      MPI sees \(actual) process(es), but \(source) says \(expected) were started: each would \
      train alone. Launch with the mpirun of the MPI that peqa was built with, or under Slurm with \
      "srun --mpi=pmix".
      """
    case .noProcessManager(let tasks):
      """
      srun started \(tasks) tasks, but gave them no process manager: each would run alone. \
      Use "srun --mpi=pmix -K" ("srun --mpi=list" shows what this cluster has), or mpirun.
      """
    case .alreadyStarted:
      "MPI was already started in this process. Start one Communicator and pass it on."
    case .threadLevel:
      "this MPI library does not support threads (MPI_THREAD_SERIALIZED). Use another build."
    case .callFailed(let call, let text):
      "\(call) failed: \(text)"
    case .timedOut(let stall): stall.description
    case .interrupted(let code): "asked to leave while waiting for other ranks (\(code))."
    case .tooLarge(let collective, let bytes):
      "\(collective): \(bytes) bytes in all, more than the 2147483647 that one call can carry."
    }
  }
}
