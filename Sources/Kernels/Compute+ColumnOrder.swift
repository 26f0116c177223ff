internal import CKernels

// Matrices whose columns are in another order than their input (act-order of GPTQ), and operands
// that were prepared for a matrix stored otherwise.
extension Compute {
  /// `x` as a product with `w` reads it: `x` itself, or a copy in the slot. Bytes get the sums that
  /// the zero points of `w` want.
  func fitted(_ x: Operand, for w: WeightMatrix, tokens: Int, slot: OperandSlot) -> Operand {
    if x.kind == .i8 { return fittedBytes(x, for: w, tokens: tokens, slot: slot) }
    let isOrdered = x.isForDecoding && x.kind == .bf16 && w.wantsOrderedOperand
    var fitted = x
    if w.order != nil || x.isOrdered != isOrdered {
      fitted.pointer = reordered(x, w, isOrdered, tokens, slot)
      fitted.isOrdered = isOrdered
    }
    return fitted
  }

  private func fittedBytes(
    _ x: Operand, for w: WeightMatrix, tokens: Int, slot: OperandSlot
  ) -> Operand {
    guard kind(for: w) == .i8 else { return inFloats(x, w, tokens, slot) }
    // Runs are of columns as they are multiplied.
    var fitted =
      w.order == nil ? x : byteOperand(inOrderOf: w, x, tokens: tokens, slot: slot)
    addSums(to: &fitted, for: w, tokens: tokens, slot: slot)
    return fitted
  }

  private func reordered(
    _ x: Operand, _ w: WeightMatrix, _ isOrdered: Bool, _ tokens: Int, _ slot: OperandSlot
  ) -> UnsafeRawPointer {
    let bytes = tokens * x.rowStride * x.kind.byteCount
    let copy = operandMemory(slot, bytes: bytes)
    copy.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    switch x.kind {
    case .bf16: gather(x, w, isOrdered, tokens, copy.assumingMemoryBound(to: UInt16.self))
    case .f32: gather(x, w, isOrdered, tokens, copy.assumingMemoryBound(to: Float.self))
    case .i8: preconditionFailure("bytes are rounded in the order of their matrix")
    }
    return UnsafeRawPointer(copy)
  }

  private func gather<Number>(
    _ x: Operand, _ w: WeightMatrix, _ isOrdered: Bool, _ tokens: Int,
    _ to: UnsafeMutablePointer<Number>
  ) {
    let from = x.pointer.assumingMemoryBound(to: Number.self)
    let (columns, stride) = (w.columns, x.rowStride)
    pool.parallelRanges(tokens, unit: 8) { range, _ in
      for t in range {
        let (source, target) = (from + t * stride, to + t * stride)
        for column in 0..<columns {
          let input = w.order.map { Int($0[column]) } ?? column
          target[isOrdered ? Self.orderedPlace(column) : column] =
            source[x.isOrdered ? Self.orderedPlace(input) : input]
        }
      }
    }
  }

  /// Where `gemv_operand_bf16` puts a column.
  private static func orderedPlace(_ column: Int) -> Int {
    column / 128 * 128 + column % 4 * 32 + column % 128 / 4
  }

  /// x [tokens, columns] in the order of the matrix, in fp32.
  func inOrder(
    _ x: UnsafePointer<Float>, of w: WeightMatrix, tokens: Int, slot: OperandSlot = .fitted
  ) -> UnsafePointer<Float> {
    let operand = Operand(pointer: UnsafeRawPointer(x), rowStride: w.columns, kind: .f32)
    return fitted(operand, for: w, tokens: tokens, slot: slot)
      .pointer.assumingMemoryBound(to: Float.self)
  }

  /// Calls `body` with where an input gradient goes in the order of the matrix, and puts it into
  /// dx [tokens, columns] in that of the input.
  func inMatrixOrder(
    _ w: WeightMatrix, tokens: Int, into dx: UnsafeMutablePointer<Float>, accumulating: Bool,
    _ body: (_ dx: UnsafeMutablePointer<Float>, _ accumulating: Bool) -> Void
  ) {
    guard let order = w.order else { return body(dx, accumulating) }
    let columns = w.columns
    let own = operandMemory(.fitted, bytes: tokens * columns * 4)
      .assumingMemoryBound(to: Float.self)
    body(own, false)
    pool.parallelRanges(tokens, unit: 8) { range, _ in
      for t in range {
        let (source, target) = (own + t * columns, dx + t * columns)
        for column in 0..<columns {
          let input = Int(order[column])
          target[input] = accumulating ? target[input] + source[column] : source[column]
        }
      }
    }
  }
}

extension WeightMatrix {
  var wantsOrderedOperand: Bool { withUnsafePointer(to: raw) { peqa_gemv_ordered($0) != 0 } }
}
