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

  /// The floating-point precision of products that a `dtype` of the command line or a run file
  /// means here; with int8 that of all that multiplies no codes.
  static func precision(
    _ dtype: ComputeType, isPortable: Bool = false
  ) throws(KernelChoiceError) -> Precision {
    let instructionSet = try instructionSet()
    switch dtype {
    case .auto, .int8: return instructionSet.hasNativeBF16 && !isPortable ? .bf16 : .fp32
    case .fp32: return .fp32
    case .bf16:
      guard instructionSet.hasNativeBF16 else { throw .noBF16(instructionSet) }
      return .bf16
    }
  }

  /// Kernels on a pool of threads, for a `dtype` of the command line or a run file.
  static func compute(
    threads: Int, dtype: ComputeType, isPortable: Bool = false
  ) throws -> Compute {
    Compute(
      pool: WorkerPool(threads: threads), precision: try precision(dtype, isPortable: isPortable),
      multipliesIntegers: dtype == .int8, instructionSet: try instructionSet(),
      isPortable: isPortable)
  }

  /// What a run computes with.
  static func compute(_ run: RunConfig, threads: Int) throws -> Compute {
    try compute(threads: threads, dtype: run.dtype, isPortable: run.deterministic == .portable)
  }

  static func precision(_ run: RunConfig) throws(KernelChoiceError) -> Precision {
    try precision(run.dtype, isPortable: run.deterministic == .portable)
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
