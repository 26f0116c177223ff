internal import ArgumentParser

/// `peqa bench`: how fast this machine does the work, in medians over repetitions.
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure speed and memory on this machine.",
    subcommands: [
      BenchStep.self, BenchDecode.self, BenchBlock.self, BenchKernels.self, BenchMemory.self,
      BenchScaling.self, BenchCores.self, BenchExchange.self,
    ])
}
