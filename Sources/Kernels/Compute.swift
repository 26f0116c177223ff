internal import CKernels

/// The kernels of one instruction set on the threads of one rank: what a model computes with.
///
/// Results do not depend on the number of threads. One caller at a time.
package final class Compute {
  package let instructionSet: InstructionSet
  /// What products multiply.
  package private(set) var arithmetic: Arithmetic
  package let pool: WorkerPool
  /// Whether the bits are those of any other CPU.
  package let isPortable: Bool
  let table: UnsafePointer<peqa_kernels>
  /// The table for dense fp32 products, by OpenBLAS; nil where our kernels make them too.
  let denseTable: BLASTable?
  /// One panel for each thread.
  let panels: [UnsafeMutablePointer<Float>]
  /// Attention workspace for each thread; grown when a longer segment comes.
  var attentionWork: [UnsafeMutablePointer<Float>] = []
  var attentionWorkCount = 0
  /// Copies of operands.
  var operands: [OperandSlot: (pointer: UnsafeMutableRawPointer, capacity: Int)] = [:]

  /// - Parameters:
  ///   - precision: nil takes bf16 where the CPU multiplies it natively, else fp32.
  ///   - isPortable: computes what every CPU computes to the bit, in fp32 and without OpenBLAS
  ///     (docs/numerics.md, "Portable bits"). `scalar` stands for the kernels of any CPU then.
  package init(
    pool: WorkerPool, precision: Precision? = nil, multipliesIntegers: Bool = false,
    instructionSet: InstructionSet = .best, isPortable: Bool = false
  ) {
    let kernels = isPortable && instructionSet == .scalar ? .generic : instructionSet
    guard let table = kernels.table else {
      preconditionFailure("this CPU has no \(instructionSet.rawValue)")
    }
    precondition(!isPortable || precision != .bf16, "bf16 rounds otherwise on other CPUs")
    self.pool = pool
    self.instructionSet = kernels
    arithmetic = Arithmetic(
      precision ?? (kernels.hasNativeBF16 && !isPortable ? .bf16 : .fp32),
      multipliesIntegers: multipliesIntegers)
    self.isPortable = isPortable
    self.table = table
    denseTable = isPortable ? nil : BLASTable(fallback: table)
    panels = (0..<pool.threads).map { _ in
      .allocate(capacity: Int(PEQA_DEPTH * PEQA_PANEL))
    }
  }

  deinit {
    for panel in panels { panel.deallocate() }
    for work in attentionWork { work.deallocate() }
    for operand in operands.values { operand.pointer.deallocate() }
  }

  /// Whether a row of a dense product has the same bits whatever rows are multiplied beside it: so
  /// in our kernels, not in those of OpenBLAS, which multiplies dense fp32 matrices.
  package var denseRowsStandAlone: Bool { precision == .bf16 || isPortable }

  /// What products with this matrix multiply.
  func kind(for w: WeightMatrix) -> OperandKind {
    multipliesIntegers && w.isQuantized && !w.staysFloating ? .i8 : precision.kind
  }

  package var precision: Precision { arithmetic.precision }
  package var multipliesIntegers: Bool { arithmetic.multipliesIntegers }

  /// What products with codes multiply, in words.
  package var products: String { multipliesIntegers ? "int8" : precision.rawValue }

  /// Runs `body` with codes multiplied in floating point: what a model is measured by must not
  /// depend on how it is trained.
  package func inFloatingPoint<Result>(_ body: () throws -> Result) rethrows -> Result {
    let before = arithmetic
    arithmetic.multipliesIntegers = false
    defer { arithmetic = before }
    return try body()
  }

  /// How the numbers come about, in words: ranks that say the same get the same bits.
  package var numerics: String {
    Self.numerics(instructionSet, arithmetic, isPortable: isPortable)
  }

  package static func numerics(
    _ set: InstructionSet, _ arithmetic: Arithmetic, isPortable: Bool
  ) -> String {
    (isPortable ? "portable" : "\(set.roundsLike)") + " \(arithmetic.precision.rawValue)"
      + (arithmetic.multipliesIntegers ? " int8" : "")
  }
}

/// Where the copy of an operand lies; calls that follow each other reuse a slot.
package enum OperandSlot {
  case rows, secondRows, transposed, panels, factors, secondFactors, attention, groupSums
  /// Beside bytes: scales of panels, factors of weights, sums that zero points are multiplied by.
  case panelScales, weightFactors, secondWeightFactors
  case sums, secondSums, thirdSums
  /// Copies for matrices that read their input otherwise than the operand was made, and what such
  /// bytes are rounded from.
  case fitted, secondFitted, thirdFitted, orderedNumbers
}

extension Compute {
  /// Memory of at least `bytes` in a slot, reused from call to call.
  func operandMemory(_ slot: OperandSlot, bytes: Int) -> UnsafeMutableRawPointer {
    if let held = operands[slot], held.capacity >= bytes { return held.pointer }
    operands[slot]?.pointer.deallocate()
    let pointer = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    operands[slot] = (pointer, bytes)
    return pointer
  }
}
