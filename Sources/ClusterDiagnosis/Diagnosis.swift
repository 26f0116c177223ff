internal import Reporting

/// What is found where the facts of all ranks lie side by side: pure functions, so that clusters
/// with faults can be written down in tests.
package struct Diagnosis {
  /// In rank order, at least one.
  let ranks: [RankFacts]
  let needs: RunNeeds?

  package init(_ ranks: [RankFacts], needs: RunNeeds? = nil) {
    self.ranks = ranks
    self.needs = needs
  }

  /// What a run will take, where one is known.
  package struct RunNeeds: Equatable, Sendable {
    package var baseBytes: Int
    /// Of each rank.
    package var privateBytes: Int
    package var checkpointBytes: Int
    /// Kept at a time, the one being written included.
    package var checkpoints: Int
    /// A base that does not fit may be read block by block.
    package var mayStream: Bool

    package init(
      baseBytes: Int, privateBytes: Int, checkpointBytes: Int, checkpoints: Int, mayStream: Bool
    ) {
      (self.baseBytes, self.privateBytes) = (baseBytes, privateBytes)
      (self.checkpointBytes, self.checkpoints) = (checkpointBytes, checkpoints)
      self.mayStream = mayStream
    }
  }

  package var findings: [Finding] {
    launcher + threads + network + clock + folder + disk + memory + software + base + ring
  }

  /// Hosts in the order of their first ranks.
  var hosts: [(name: String, ranks: [RankFacts])] {
    var list: [(name: String, ranks: [RankFacts])] = []
    for rank in ranks {
      if let location = list.firstIndex(where: { $0.name == rank.host }) {
        list[location].ranks.append(rank)
      } else {
        list.append((rank.host, [rank]))
      }
    }
    return list
  }

  /// The finding of a value that should be the same on all ranks; nil where it is.
  func difference(
    of check: Finding.Check, _ name: String, remedy: String, exitCode: Int32,
    _ value: (RankFacts) -> String
  ) -> Finding? {
    guard let other = ranks.first(where: { value($0) != value(ranks[0]) }) else { return nil }
    let what = "\(name): \(value(ranks[0])) on \(ranks[0].name), \(value(other)) on \(other.name)"
    let count = ranks.filter { value($0) != value(ranks[0]) }.count
    let location = count == 1 ? other.name : "\(count) of \(ranks.count) ranks"
    return exitCode == 0
      ? .warning(check, what, at: location, remedy: remedy)
      : .error(check, what, at: location, remedy: remedy, exitCode: exitCode)
  }
}

// Launcher and processors.
extension Diagnosis {
  private var launcher: [Finding] {
    var found: [Finding] = []
    if let tasks = ranks.lazy.compactMap(\.idleTasks).first {
      found.append(
        .warning(
          .launcher, "Slurm has given this job \(tasks) tasks, and peqa runs as one process",
          remedy:
            "start it with \"srun --mpi=pmix -K\" or mpirun, or ask for one task with more CPUs"
        ))
    }
    if hosts.count > 1, ranks[0].isBelowMPIRun, !Self.noticesCuts(ranks[0].environment) {
      found.append(
        .warning(
          .launcher, "mpirun would notice a cut network only after 8 minutes",
          remedy: "start with launch/mpirun-train, or set OMPI_MCA_oob_tcp_keepalive_time=20, "
            + "OMPI_MCA_oob_tcp_keepalive_intvl=5 and OMPI_MCA_oob_tcp_keepalive_probes=4"))
    }
    if !found.isEmpty { return found }
    return [
      .ok(.launcher, "\(counted(ranks.count, "rank")) on \(counted(hosts.count, "host"))")
    ]
  }

  /// Open MPI asks a silent connection for signs of life after 300 s by default.
  private static func noticesCuts(_ environment: [String: String]) -> Bool {
    environment["OMPI_MCA_oob_tcp_keepalive_time"].flatMap { Int($0) }.map { $0 < 120 } ?? false
  }

  private var threads: [Finding] {
    var found: [Finding] = []
    for rank in ranks where rank.threads > rank.cpusInMask {
      found.append(
        .warning(
          .threads,
          "\(rank.threads) threads (\(rank.threadSource)) may use "
            + "\(counted(rank.cpusInMask, "CPU")) (\(rank.mask)): many times slower than it could be",
          at: rank.name,
          remedy: "mpirun --bind-to none, mpirun --map-by slot:PE=\(rank.threads), or "
            + "srun --cpus-per-task=\(rank.threads)"))
    }
    guard found.isEmpty else { return found }
    for host in hosts {
      found += crowding(host.ranks)
      found += idling(host.ranks)
    }
    let all = ranks.reduce(0) { $0 + $1.threads }
    return found.isEmpty
      ? [.ok(.threads, "\(counted(all, "thread")), each with a CPU of its own")] : found
  }

  /// Ranks of one host that share CPUs with more threads than there are.
  private func crowding(_ ranks: [RankFacts]) -> [Finding] {
    let masks = Dictionary(grouping: ranks) { $0.mask }
    for sharing in masks.values.sorted(by: { $0[0].rank < $1[0].rank }) {
      let threads = sharing.reduce(0) { $0 + $1.threads }
      guard threads > sharing[0].cpusInMask, sharing.count > 1 else { continue }
      return [
        .warning(
          .threads,
          "\(sharing.count) ranks with \(threads) threads in all share \(sharing[0].cpusInMask) CPUs",
          at: sharing[0].host,
          remedy: "give each rank \(max(1, sharing[0].cpusInMask / sharing.count)) threads "
            + "(PEQA_NUM_THREADS), or start fewer ranks per node")
      ]
    }
    let threads = ranks.reduce(0) { $0 + $1.threads }
    guard threads > ranks[0].cpusOnline else { return [] }
    return [
      .warning(
        .threads, "\(threads) threads on \(ranks[0].cpusOnline) CPUs", at: ranks[0].host,
        remedy: "fewer threads per rank (PEQA_NUM_THREADS), or fewer ranks per node")
    ]
  }

  private func idling(_ ranks: [RankFacts]) -> [Finding] {
    let threads = ranks.reduce(0) { $0 + $1.threads }
    guard ranks[0].isBelowMPIRun, threads * 2 <= ranks[0].cpusOnline,
      ranks.contains(where: { $0.cpusInMask < $0.cpusOnline })
    else { return [] }
    return [
      .warning(
        .threads, "ranks are bound and use \(threads) of \(ranks[0].cpusOnline) CPUs",
        at: ranks[0].host, remedy: "mpirun --bind-to none, or --map-by slot:PE=N")
    ]
  }
}
