internal import CKernels

/// The left operand of a product as the kernels read it: fp32 rows, or bf16 rows padded to an even
/// count. Valid until the next operand is made in its slot.
package struct Operand {
  let pointer: UnsafeRawPointer
  /// Elements from row to row.
  let rowStride: Int
  let isBF16: Bool
}

// Operands are rounded where their numbers arise, so that fp32 copies are written only for those
// who read them.
extension Compute {
  /// Prepares x [tokens, columns] for a product; layers with the same input share it.
  package func operand(
    _ x: UnsafePointer<Float>, tokens: Int, columns: Int, factors: UnsafePointer<Float>? = nil,
    slot: OperandSlot = .rows
  ) -> Operand {
    guard precision == .bf16 else {
      guard let factors else {
        return Operand(pointer: UnsafeRawPointer(x), rowStride: columns, isBF16: false)
      }
      return scaledOperand(x, tokens: tokens, columns: columns, factors: factors, slot: slot)
    }
    let (copy, operand) = bf16Rows(tokens: tokens, columns: columns, slot: slot)
    pool.parallelRanges(tokens, unit: 8) { range, _ in
      table.pointee.round_bf16(
        Int32(range.count), Int32(columns), Int32(operand.rowStride),
        x + range.lowerBound * columns, columns, factors,
        copy + range.lowerBound * operand.rowStride)
    }
    return operand
  }

  private func bf16Rows(
    tokens: Int, columns: Int, slot: OperandSlot
  ) -> (UnsafeMutablePointer<UInt16>, Operand) {
    let padded = columns + columns % 2
    let copy = operandMemory(slot, bytes: tokens * padded * 2)
      .assumingMemoryBound(to: UInt16.self)
    return (copy, Operand(pointer: UnsafeRawPointer(copy), rowStride: padded, isBF16: true))
  }

  private func scaledOperand(
    _ x: UnsafePointer<Float>, tokens: Int, columns: Int, factors: UnsafePointer<Float>,
    slot: OperandSlot
  ) -> Operand {
    let copy = operandMemory(slot, bytes: tokens * columns * 4)
      .assumingMemoryBound(to: Float.self)
    pool.parallelRanges(tokens, unit: 8) { range, _ in
      for t in range {
        for o in 0..<columns { copy[t * columns + o] = x[t * columns + o] * factors[o] }
      }
    }
    return Operand(pointer: UnsafeRawPointer(copy), rowStride: columns, isBF16: false)
  }

  /// The scales of the rows [O], by which dy is multiplied before its product; nil where scales
  /// stay with the weights: several a row, or none.
  func rowFactors(_ w: WeightMatrix, slot: OperandSlot = .factors) -> UnsafePointer<Float>? {
    guard w.isQuantized && w.groups == 1 else { return nil }
    let factors = operandMemory(slot, bytes: w.rows * 4).assumingMemoryBound(to: Float.self)
    withUnsafePointer(to: w.raw) { peqa_row_factors($0, factors) }
    return UnsafePointer(factors)
  }

  /// RMS norm of x [tokens, width] as an operand. y [tokens, width] gets it in fp32 where
  /// `keeping`, or where products are fp32.
  package func normalizedOperand(
    _ x: UnsafePointer<Float>, weight: UnsafePointer<Float>, tokens: Int, width: Int,
    epsilon: Float, into y: UnsafeMutablePointer<Float>, keeping: Bool,
    inverseRMS: UnsafeMutablePointer<Float>
  ) -> Operand {
    guard precision == .bf16 else {
      rmsNorm(
        x, weight: weight, tokens: tokens, width: width, epsilon: epsilon, into: y,
        inverseRMS: inverseRMS)
      return operand(y, tokens: tokens, columns: width)
    }
    let (copy, operand) = bf16Rows(tokens: tokens, columns: width, slot: .rows)
    pool.parallelRanges(tokens, unit: 8) { range, _ in
      let at = range.lowerBound
      table.pointee.rms_norm(
        Int32(range.count), Int32(width), epsilon, x + at * width, weight,
        keeping ? y + at * width : nil, copy + at * operand.rowStride, inverseRMS + at)
    }
    return operand
  }

  /// silu(gate) * up [tokens, width] as an operand. h [tokens, width] gets it in fp32 where
  /// `keeping`, or where products are fp32.
  package func activatedOperand(
    gate: UnsafePointer<Float>, up: UnsafePointer<Float>, tokens: Int, width: Int,
    into h: UnsafeMutablePointer<Float>, keeping: Bool
  ) -> Operand {
    guard precision == .bf16, width % 2 == 0 else {
      swiGLU(gate: gate, up: up, count: tokens * width, into: h)
      return operand(h, tokens: tokens, columns: width)
    }
    let (copy, operand) = bf16Rows(tokens: tokens, columns: width, slot: .rows)
    pool.parallelRanges(tokens * width, unit: 1024) { range, _ in
      let at = range.lowerBound
      table.pointee.swiglu(range.count, gate + at, up + at, keeping ? h + at : nil, copy + at)
    }
    return operand
  }
}

// Gradients of scales per row. They need no product: the gradient of a row's scale times that scale
// is the sum of dy * y over tokens, where y is the output without bias.
extension Compute {
  /// sums [sequences, O] of dy * (y - minus) over the tokens of each sequence, for dy and y
  /// [tokens, O].
  /// Where asked, dy as an operand of `inputGradient`.
  package func rowGradients(
    _ w: WeightMatrix, dy: UnsafePointer<Float>, y: UnsafePointer<Float>,
    minus: UnsafePointer<Float>? = nil, sequenceRanges: [Range<Int>], wantsOperand: Bool,
    slot: OperandSlot = .rows, sums: UnsafeMutablePointer<Float>
  ) -> Operand? {
    let tokens = sequenceRanges.map(\.upperBound).max() ?? 0
    let factors = rowFactors(w)
    let rounds = wantsOperand && precision == .bf16
    let rows = rounds ? bf16Rows(tokens: tokens, columns: w.rows, slot: slot) : nil
    sums.update(repeating: 0, count: sequenceRanges.count * w.rows)
    pool.parallelRanges(w.rows, unit: 16) { range, _ in
      for (index, part) in sequenceRanges.enumerated() {
        let at = part.lowerBound * w.rows
        table.pointee.row_scale_gradient(
          Int32(part.count), Int32(range.lowerBound), Int32(range.upperBound), dy + at, w.rows,
          y + at, minus.map { $0 + at }, w.rows, factors,
          rows.map { $0.0 + part.lowerBound * $0.1.rowStride }, rows?.1.rowStride ?? 0,
          sums + index * w.rows)
      }
    }
    guard wantsOperand else { return nil }
    guard let (copy, operand) = rows else {
      return self.operand(dy, tokens: tokens, columns: w.rows, factors: factors, slot: slot)
    }
    if operand.rowStride > w.rows {
      for t in 0..<tokens { copy[t * operand.rowStride + w.rows] = 0 }
    }
    return operand
  }

  /// From dh back through silu(gate) * up and to the operands of both input gradients; the sums
  /// [sequences, width] are those of `rowGradients`. `dgate` and `dup` [tokens, width] are room
  /// that may be used; `dgate` may be where dh lies.
  package func activationGradients(
    _ gateMatrix: WeightMatrix, _ upMatrix: WeightMatrix, gate: UnsafePointer<Float>,
    up: UnsafePointer<Float>, dh: UnsafePointer<Float>, dgate: UnsafeMutablePointer<Float>,
    dup: UnsafeMutablePointer<Float>, sequenceRanges: [Range<Int>],
    gateSums: UnsafeMutablePointer<Float>,
    upSums: UnsafeMutablePointer<Float>
  ) -> (gate: Operand?, up: Operand?) {
    let (width, tokens) = (gateMatrix.rows, sequenceRanges.map(\.upperBound).max() ?? 0)
    guard precision == .bf16, width % 2 == 0 else {
      swiGLUBackward(
        gate: gate, up: up, dh: dh, count: tokens * width, dgate: dgate, dup: dup)
      return (
        rowGradients(
          gateMatrix, dy: dgate, y: gate, sequenceRanges: sequenceRanges, wantsOperand: true,
          sums: gateSums),
        rowGradients(
          upMatrix, dy: dup, y: up, sequenceRanges: sequenceRanges, wantsOperand: true,
          slot: .secondRows,
          sums: upSums)
      )
    }
    let gateFactors = rowFactors(gateMatrix)
    let upFactors = rowFactors(upMatrix, slot: .secondFactors)
    let (gateRows, gateOperand) = bf16Rows(tokens: tokens, columns: width, slot: .rows)
    let (upRows, upOperand) = bf16Rows(tokens: tokens, columns: width, slot: .secondRows)
    gateSums.update(repeating: 0, count: sequenceRanges.count * width)
    upSums.update(repeating: 0, count: sequenceRanges.count * width)
    pool.parallelRanges(width, unit: 16) { range, _ in
      for (index, part) in sequenceRanges.enumerated() {
        let at = part.lowerBound * width
        table.pointee.swiglu_gradient(
          Int32(part.count), Int32(range.lowerBound), Int32(range.upperBound), width, gate + at,
          up + at, dh + at, gateFactors, upFactors, gateRows + at, upRows + at,
          gateSums + index * width, upSums + index * width)
      }
    }
    return (gateOperand, upOperand)
  }
}
