internal import ExitCodes
internal import Foundation
internal import Kernels
internal import Training

/// Which kernels a command computes with: the fastest of this CPU, or what `PEQA_KERNELS` names, so
/// that unlike nodes of a cluster can be made to round alike.
enum KernelChoice {
  static let variable = "PEQA_KERNELS"

  static func instructionSet(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(KernelChoiceError) -> InstructionSet {
    guard let name = environment[variable], !name.isEmpty else { return .best }
    guard let chosen = InstructionSet(rawValue: name), InstructionSet.available.contains(chosen)
    else { throw KernelChoiceError.absent(name) }
    return chosen
  }

  /// What products are for.
  enum Use {
    /// Training and generation, where speed counts.
    case work
    /// Losses and scores by which models are compared: codes stay numbers.
    case judging
  }

  /// What a `dtype` of the command line or a run file means here. `auto` multiplies codes as
  /// integers to train and generate (docs/results/quality.md, "Products of integers", says what
  /// that changes); what is left, and judging, is in bf16 where the CPU multiplies it, else fp32.
  static func arithmetic(
    _ dtype: ComputeType, for use: Use = .work, isPortable: Bool = false
  ) throws(KernelChoiceError) -> Arithmetic {
    let instructionSet = try instructionSet()
    let widest = instructionSet.hasNativeBF16 && !isPortable ? Precision.bf16 : .fp32
    switch dtype {
    case .auto: return Arithmetic(widest, multipliesIntegers: use == .work)
    case .int8: return Arithmetic(widest, multipliesIntegers: true)
    case .fp32: return Arithmetic(.fp32)
    case .bf16:
      guard instructionSet.hasNativeBF16 else { throw .noBF16(instructionSet) }
      return Arithmetic(.bf16)
    }
  }

  static func arithmetic(_ run: RunConfig) throws(KernelChoiceError) -> Arithmetic {
    try arithmetic(run.dtype, isPortable: run.deterministic == .portable)
  }

  /// Kernels on a pool of threads, for a `dtype` of the command line or a run file.
  static func compute(
    threads: Int, dtype: ComputeType, isPortable: Bool = false
  ) throws -> Compute {
    try compute(
      threads: threads, arithmetic(dtype, isPortable: isPortable), isPortable: isPortable)
  }

  static func compute(
    threads: Int, _ arithmetic: Arithmetic, isPortable: Bool = false
  ) throws -> Compute {
    try compute(WorkerPool(threads: threads), arithmetic, isPortable: isPortable)
  }

  static func compute(
    _ pool: WorkerPool, _ arithmetic: Arithmetic, isPortable: Bool = false
  ) throws -> Compute {
    Compute(
      pool: pool, precision: arithmetic.precision,
      multipliesIntegers: arithmetic.multipliesIntegers, instructionSet: try instructionSet(),
      isPortable: isPortable)
  }

  /// What a run computes with.
  static func compute(_ run: RunConfig, threads: Int) throws -> Compute {
    try compute(threads: threads, dtype: run.dtype, isPortable: run.deterministic == .portable)
  }
}

enum KernelChoiceError: ExitCoded, CustomStringConvertible {
  case absent(String)
  /// bf16 would run in plain loops, a hundred times slower than fp32.
  case noBF16(InstructionSet)

  var exitCode: Int32 { 78 }

  var description: String {
    switch self {
    case .absent(let name):
      let available = InstructionSet.available.map(\.rawValue).joined(separator: ", ")
      return "\(KernelChoice.variable)=\(name): this CPU has no such kernels. It has: \(available)."
    case .noBF16(let instructionSet):
      return "dtype: bf16: the \(instructionSet.rawValue) kernels have no bf16 products. "
        + "Set dtype: auto, fp32 or int8."
    }
  }
}
