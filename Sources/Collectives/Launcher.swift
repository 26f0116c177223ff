internal import Foundation

/// Who started this process, as its environment tells before MPI is touched.
///
/// A process that nobody launched in parallel never calls MPI: `MPI_Init` without a launcher starts
/// a daemon of its own, which takes 0.3 s and fails on machines without `orted` or `ssh`.
package struct Launcher: Equatable, Sendable {
  package enum Kind: Equatable, Sendable {
    case none
    /// mpirun, or srun with a PMI plugin.
    case processManager
    /// `srun` of several tasks with `--mpi=none`.
    case unmanagedTasks
  }

  package let kind: Kind
  /// How many processes were started, where the environment says so.
  package let size: Int?
  /// The variable that `size` came from.
  package let sizeSource: String?
  /// The rank this process will most probably have; 0 where unknown. Only for deciding who prints
  /// before MPI is up.
  package let rank: Int
  /// All ranks are known to be on one node.
  package let isOneNode: Bool
  /// TERM may be followed by KILL within seconds: from a launcher, or in a Slurm job.
  package let killsSoon: Bool
  /// Tasks that a Slurm job has room for, where its batch script started this one process alone.
  package let idleTasks: Int?

  package init(environment: [String: String] = ProcessInfo.processInfo.environment) {
    func number(_ name: String) -> Int? { environment[name].flatMap { Int($0) } }
    // In a batch script SLURM_NTASKS speaks of the whole job; only SLURM_STEP_NUM_TASKS says that
    // srun itself started this process. Below mpirun both may be those of mpirun's own daemons.
    let isMPIRun = number("OMPI_COMM_WORLD_SIZE") != nil
    let isManaged = isMPIRun || environment["PMIX_RANK"] != nil || environment["PMI_RANK"] != nil
    let stepTasks = number("SLURM_STEP_NUM_TASKS")
    let candidates = [
      ("OMPI_COMM_WORLD_SIZE", number("OMPI_COMM_WORLD_SIZE")), ("PMI_SIZE", number("PMI_SIZE")),
      ("MV2_COMM_WORLD_SIZE", number("MV2_COMM_WORLD_SIZE")),
      ("SLURM_STEP_NUM_TASKS", stepTasks),
    ]
    let known = candidates.first { $0.1 != nil }
    if isManaged || candidates.dropLast().contains(where: { $0.1 != nil }) {
      kind = .processManager
    } else {
      kind = (stepTasks ?? 1) > 1 ? .unmanagedTasks : .none
    }
    killsSoon = kind != .none || !(environment["SLURM_JOB_ID"] ?? "").isEmpty
    size = kind == .none ? nil : known?.1
    sizeSource = kind == .none ? nil : known?.0
    let ranks = [
      "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "MV2_COMM_WORLD_RANK", "SLURM_PROCID",
    ]
    let jobTasks = number("SLURM_NTASKS") ?? 1
    idleTasks = kind == .none && stepTasks == nil && jobTasks > 1 ? jobTasks : nil
    rank = kind == .none ? 0 : ranks.lazy.compactMap { number($0) }.first ?? 0
    isOneNode =
      isMPIRun
      ? number("OMPI_COMM_WORLD_LOCAL_SIZE") == number("OMPI_COMM_WORLD_SIZE")
      : number("SLURM_STEP_NUM_NODES") == 1
  }

  /// Throws where starting MPI could only give N processes that each believe to be alone.
  func checkBeforeStart() throws(CommunicatorError) {
    if kind == .unmanagedTasks { throw .noProcessManager(tasks: size ?? 0) }
  }

  func check(actualSize: Int) throws(CommunicatorError) {
    guard let size, let sizeSource, size != actualSize else { return }
    throw .launcherMismatch(expected: size, source: sizeSource, actual: actualSize)
  }
}
