internal import ArgumentParser
internal import Checkpoints
internal import Collectives
internal import Foundation
internal import Machine
internal import Reporting

/// A command that all ranks of a launch work on together. Other commands run on rank 0 alone.
protocol RankedCommand: ParsableCommand {
  var verbosity: VerbosityOptions { get }

  /// Says at the start what the launcher has given, and warns where that is odd.
  var announces: Bool { get }

  /// The work of this rank. An error may be thrown on one rank alone: all leave with its exit code.
  func run(on rank: RankContext) throws
}

/// What a command gets to work with.
struct RankContext {
  let communicator: Communicator
  let console: Console
  let threads: ThreadCount
}

extension RankedCommand {
  var announces: Bool { true }

  func run() throws { run(with: try Communicator.start()) }

  /// Does the work and leaves MPI, with all other ranks.
  func run(with communicator: Communicator) {
    let console = Console(
      verbosity: verbosity.level, rank: communicator.rank, size: communicator.size,
      hostName: communicator.hostName)
    FaultGuard.install(speaker: console.prefix + "peqa: ")
    var failure: (any Error)?
    do {
      try run(on: .init(communicator, console, announces: announces))
    } catch {
      failure = error
    }
    ExitExchange.leave(failure, communicator, console)
  }
}

extension RankContext {
  init(_ communicator: Communicator, _ console: Console, announces: Bool) throws {
    let cpus = AllowedCPUs()
    // Ranks that are bound to different CPUs do not share them.
    let place = Array("\(communicator.hostName) \(cpus.mask)".utf8)
    let sharing = try communicator.allGather(place).filter { $0 == place }.count
    threads = ThreadCount.resolve(
      environment: ProcessInfo.processInfo.environment, cpus: cpus, ranksSharingMask: sharing,
      ranksOnNode: communicator.ranksOnNode)
    self.communicator = communicator
    self.console = console
    guard announces else { return }
    if let tasks = Launcher().idleTasks {
      console.warn(
        """
        Slurm has given this job \(tasks) tasks, and peqa runs as one process. Start it with \
        "srun --mpi=pmix -K" or mpirun, or ask for one task with more CPUs.
        """)
    }
    for warning in threads.warnings { console.warn(warning, fromAnyRank: communicator.size > 1) }
    if communicator.size > 1 {
      console.log(
        """
        \(communicator.size) ranks on \(counted(communicator.nodeCount, "node")), \
        \(counted(threads.count, "thread")) each (\(threads.source)), \(Communicator.mpiVersion)
        """)
    }
  }
}
