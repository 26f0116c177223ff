internal import Foundation

/// How many threads a rank works with, and why.
///
/// `PEQA_NUM_THREADS`, `OMP_NUM_THREADS`, `SLURM_CPUS_PER_TASK`, in this order; else this rank's
/// part of the CPUs that its affinity mask and its control group allow.
package struct ThreadCount: Equatable, Sendable {
  package let count: Int
  /// Where the number comes from, for logs.
  package let source: String
  /// What the user should know: threads piled up on too few CPUs, or a variable that is no number.
  package var warnings: [String] = []

  /// - Parameters:
  ///   - ranksSharingMask: ranks of this node with the very same affinity mask, this one included.
  ///   - ranksOnNode: they share the control group's CPU time.
  package static func resolve(
    environment: [String: String], cpus: AllowedCPUs, ranksSharingMask: Int, ranksOnNode: Int
  ) -> ThreadCount {
    let places = min(
      max(1, cpus.inMask / max(ranksSharingMask, 1)),
      cpus.quota.map { max(1, Int(($0 / Double(max(ranksOnNode, 1))).rounded(.up))) } ?? .max)
    var warnings: [String] = []
    for name in ["PEQA_NUM_THREADS", "OMP_NUM_THREADS", "SLURM_CPUS_PER_TASK"] {
      guard let text = environment[name], !text.isEmpty else { continue }
      // OMP_NUM_THREADS may be a list, one number a nesting level.
      let first = text.split(separator: ",").first.map(String.init) ?? ""
      guard let count = Int(first.trimmingCharacters(in: .whitespaces)), (1...4096).contains(count)
      else {
        warnings.append("\(name)=\(text) is no number of threads and is ignored")
        continue
      }
      if count > cpus.inMask { warnings.append(crowding(threads: count, cpus: cpus.inMask)) }
      return ThreadCount(count: count, source: name, warnings: warnings)
    }
    // Slurm gives a step what was asked for; mpirun alone binds small jobs to one core a rank.
    let isBoundByMPIRun =
      environment["OMPI_COMM_WORLD_SIZE"] != nil && environment["SLURM_JOB_ID"] == nil
    if isBoundByMPIRun, ranksSharingMask == 1, cpus.inMask * ranksOnNode < cpus.online {
      warnings.append(idling(ranks: ranksOnNode, cpus: cpus))
    }
    let source =
      cpus.quota != nil && places < cpus.inMask / ranksSharingMask ? "CPU quota" : "allowed CPUs"
    return ThreadCount(count: places, source: source, warnings: warnings)
  }

  private static func crowding(threads: Int, cpus: Int) -> String {
    """
    \(threads) threads share \(cpus) CPU\(cpus == 1 ? "" : "s"): the launcher has bound this rank \
    to fewer CPUs than it has threads, and it will run many times slower than it could. Launch \
    with "mpirun --bind-to none", "mpirun --map-by slot:PE=\(threads)" or \
    "srun --cpus-per-task=\(threads)".
    """
  }

  private static func idling(ranks: Int, cpus: AllowedCPUs) -> String {
    """
    mpirun has bound \(ranks) rank\(ranks == 1 ? "" : "s") to \(cpus.inMask * ranks) of \
    \(cpus.online) CPUs of this node; the others stay idle. Launch with "mpirun --bind-to none" to \
    use all.
    """
  }
}
