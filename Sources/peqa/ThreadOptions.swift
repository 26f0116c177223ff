internal import ArgumentParser
internal import Kernels
internal import Machine

/// Threads of a command that one process runs alone.
struct ThreadOptions: ParsableArguments {
  @Option(help: "Threads to work with. (default: the CPUs this process may use)")
  var threads: Int?

  func validate() throws {
    if let threads, !(1...4096).contains(threads) {
      throw ValidationError("--threads must be from 1 to 4096.")
    }
  }

  func pool(_ console: Console) -> WorkerPool {
    WorkerPool(threads: threads ?? ThreadCount.ofOneProcess(console).count)
  }
}
