internal import ArgumentParser
internal import DecoderModel
internal import Foundation
internal import Kernels
internal import Machine
internal import Training

/// What a command computes with.
struct ComputeOptions: ParsableArguments {
  @Option(
    help:
      "Numbers in matrix products: fp32, bf16, int8 (codes as integers), or auto: int8, but to evaluate bf16 where the CPU has it, else fp32."
  )
  var dtype = ComputeType.auto

  @Option(help: "Threads per rank. (default: what the environment or the allowed CPUs give)")
  var threads: Int?

  func validate() throws {
    if let threads, !(1...4096).contains(threads) {
      throw ValidationError("--threads must be in 1...4096, not \(threads).")
    }
  }

  /// Kernels on a pool of threads; `automatic` where none were asked for. A model in full precision
  /// has no codes to multiply as integers.
  func compute(
    automatic: ThreadCount, for use: KernelChoice.Use = .work, of model: LoadedModel? = nil
  ) throws -> Compute {
    var arithmetic = try KernelChoice.arithmetic(dtype, for: use)
    if let model, model.base == nil { arithmetic.multipliesIntegers = false }
    return try KernelChoice.compute(threads: threads ?? automatic.count, arithmetic)
  }
}

extension ThreadCount {
  /// For a command that one process runs alone.
  static func ofOneProcess(_ console: Console) -> ThreadCount {
    let count = resolve(
      environment: ProcessInfo.processInfo.environment, cpus: AllowedCPUs(), ranksSharingMask: 1,
      ranksOnNode: 1)
    for warning in count.warnings { console.warn(warning) }
    return count
  }
}

extension ComputeType: ExpressibleByArgument {}
