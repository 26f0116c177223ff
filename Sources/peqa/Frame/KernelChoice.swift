internal import Foundation
internal import Kernels

/// Which kernels a command computes with: the fastest of this CPU, or what `PEQA_KERNELS` names, so
/// that unlike nodes of a cluster can be made to round alike.
enum KernelChoice {
  static let variable = "PEQA_KERNELS"

  static func instructionSet(
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(KernelChoiceError) -> InstructionSet {
    guard let name = environment[variable], !name.isEmpty else { return .best }
    guard let chosen = InstructionSet(rawValue: name), InstructionSet.available.contains(chosen)
    else { throw KernelChoiceError(name: name) }
    return chosen
  }
}

struct KernelChoiceError: ExitCoded, CustomStringConvertible {
  let name: String
  var exitCode: Int32 { 78 }

  var description: String {
    let available = InstructionSet.available.map(\.rawValue).joined(separator: ", ")
    return "\(KernelChoice.variable)=\(name): this CPU has no such kernels. It has: \(available)."
  }
}
