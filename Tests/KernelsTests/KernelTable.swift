internal import CKernels
internal import Kernels
internal import Testing

extension InstructionSet {
  /// The kernels themselves, below `Compute`.
  var kernels: peqa_kernels {
    guard let table = peqa_kernels_named(rawValue) else { preconditionFailure("no \(rawValue)") }
    return table.pointee
  }
}

@Suite struct KernelTableTests {
  /// Every table begins as the reference, so an instruction set may leave any entry out.
  @Test(arguments: InstructionSet.available)
  func everyEntryIsThere(_ set: InstructionSet) {
    withUnsafeBytes(of: set.kernels) { bytes in
      // A name, the features, and functions to the end.
      let functions = bytes.dropFirst(MemoryLayout<peqa_kernels>.offset(of: \.multiply_f32) ?? 0)
      let words = UnsafeRawBufferPointer(rebasing: functions).bindMemory(to: UInt.self)
      #expect(words.count > 40 && words.allSatisfy { $0 != 0 })
    }
  }

  @Test func namesAreFoundAndOthersAreNot() {
    #expect(Array(InstructionSet.allCases.map(\.rawValue).prefix(2)) == ["generic", "scalar"])
    #expect(Set(InstructionSet.allCases).count == InstructionSet.allCases.count)
    #expect(InstructionSet(rawValue: "avx2")?.rawValue == "avx2")
    #expect(InstructionSet(rawValue: "avx") == nil && InstructionSet(rawValue: "") == nil)
    #expect(InstructionSet.scalar.kernels.features == 0)
  }
}

/// Sizes around the borders of a vector (16), a panel (64) and a chunk of a long sum (1024).
let oddCounts = [1, 7, 15, 16, 17, 63, 64, 65, 200, 1023, 1025, 3001]
