internal import CKernels

/// The left operand of a product as the kernels read it: fp32 rows, bf16 rows padded to an even
/// count, or rows of bytes. Valid until the next operand is made in its slot.
package struct Operand {
  var pointer: UnsafeRawPointer
  /// Elements from row to row.
  let rowStride: Int
  let kind: OperandKind
  /// Made by `decodeOperand`.
  var isForDecoding = false
  /// In the order of `gemv_operand_bf16`.
  var isOrdered = false
  /// What goes with bytes.
  var bytes: ByteRows?

  /// The same from a row of bytes on.
  func rows(from row: Int) -> Operand {
    var rest = self
    rest.pointer += row * rowStride * kind.byteCount
    if let bytes {
      rest.bytes?.scales += row * bytes.runs
      rest.bytes?.sums = bytes.sums.map { $0 + row * bytes.parts }
    }
    return rest
  }

  /// As the kernels take it.
  var raw: peqa_operand {
    peqa_operand(
      kind: kind.raw, rows: pointer, row: rowStride, scales: bytes?.scales, runs: bytes?.runs ?? 0,
      sums: bytes?.sums, parts: bytes?.parts ?? 0, weight_factors: bytes?.weightFactors)
  }
}

// Operands are rounded where their numbers arise, so that fp32 copies are written only for those
// who read them.
extension Compute {
  /// Prepares x [tokens, columns of w] for products with `w` and others that read it: in bytes
  /// where its codes are multiplied as integers.
  package func operand(
    _ x: UnsafePointer<Float>, tokens: Int, for w: WeightMatrix
  ) -> Operand {
    kind(for: w) == .i8
      ? byteOperand(x, tokens: tokens, columns: w.columns)
      : operand(x, tokens: tokens, columns: w.columns)
  }

  /// Prepares x [tokens, columns] for a product in floating point; layers with the same input share
  /// it.
  package func operand(
    _ x: UnsafePointer<Float>, tokens: Int, columns: Int, factors: UnsafePointer<Float>? = nil,
    slot: OperandSlot = .rows
  ) -> Operand {
    guard precision == .bf16 else {
      guard let factors else {
        return Operand(pointer: UnsafeRawPointer(x), rowStride: columns, kind: .f32)
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
    return (copy, Operand(pointer: UnsafeRawPointer(copy), rowStride: padded, kind: .bf16))
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
    return Operand(pointer: UnsafeRawPointer(copy), rowStride: columns, kind: .f32)
  }

  /// The scales of the rows [O], by which dy is multiplied before its product; nil where scales
  /// stay with the weights: several a row, or none.
  func rowFactors(_ w: WeightMatrix, slot: OperandSlot = .factors) -> UnsafePointer<Float>? {
    guard w.isQuantized && w.groups == 1 else { return nil }
    let factors = operandMemory(slot, bytes: w.rows * 4).assumingMemoryBound(to: Float.self)
    withUnsafePointer(to: w.raw) { peqa_row_factors($0, factors) }
    return UnsafePointer(factors)
  }

  /// The norm of x [tokens, norm.width] as an operand. y gets it in fp32 where `keeping`, or where
  /// products are fp32.
  ///
  /// - Parameter w: what it is for, and others that read it.
  package func normalizedOperand(
    _ x: UnsafePointer<Float>, _ norm: Norm, tokens: Int, for w: WeightMatrix,
    into y: UnsafeMutablePointer<Float>, keeping: Bool, statistics: UnsafeMutablePointer<Float>
  ) -> Operand {
    guard kind(for: w) == .bf16 else {
      normalize(x, norm, tokens: tokens, into: y, statistics: statistics)
      return operand(y, tokens: tokens, for: w)
    }
    let (copy, operand) = bf16Rows(tokens: tokens, columns: norm.width, slot: .rows)
    normalize(
      x, norm, tokens: tokens, into: keeping ? y : nil, rounded: copy, statistics: statistics)
    return operand
  }

  /// f(gate) * up [tokens, columns of w] as an operand for `w`. h [tokens, columns] gets it in fp32
  /// where `keeping`, or where products are not bf16.
  package func activatedOperand(
    _ f: Activation, gate: UnsafePointer<Float>, up: UnsafePointer<Float>?, tokens: Int,
    for w: WeightMatrix, into h: UnsafeMutablePointer<Float>, keeping: Bool
  ) -> Operand {
    let width = w.columns
    guard kind(for: w) == .bf16, width % 2 == 0 else {
      activate(f, gate: gate, up: up, count: tokens * width, into: h)
      return operand(h, tokens: tokens, for: w)
    }
    let (copy, operand) = bf16Rows(tokens: tokens, columns: width, slot: .rows)
    pool.parallelRanges(tokens * width, unit: 1024) { range, _ in
      let at = range.lowerBound
      table.pointee.activate(
        f.raw, range.count, gate + at, up.map { $0 + at }, keeping ? h + at : nil, copy + at)
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
    let kind = kind(for: w)
    // Bytes get factors of their own.
    let factors = kind == .i8 ? nil : rowFactors(w)
    let rounds = wantsOperand && kind == .bf16
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
      return kind == .i8
        ? byteGradient(w, dy, tokens: tokens, slot: slot)
        : self.operand(dy, tokens: tokens, columns: w.rows, factors: factors, slot: slot)
    }
    if operand.rowStride > w.rows {
      for t in 0..<tokens { copy[t * operand.rowStride + w.rows] = 0 }
    }
    return operand
  }

  /// One layer before the activation, in `activationGradients`.
  package struct Activated {
    package let matrix: WeightMatrix
    /// What the activation read [tokens, width], and the matrix's output, which lacks the bias.
    package let value, output: UnsafePointer<Float>
    /// Gets sums [sequences, width] as those of `rowGradients`.
    package let sums: UnsafeMutablePointer<Float>
    /// Room [tokens, width] that may be used.
    package let gradient: UnsafeMutablePointer<Float>

    package init(
      _ matrix: WeightMatrix, value: UnsafePointer<Float>, output: UnsafePointer<Float>,
      sums: UnsafeMutablePointer<Float>, gradient: UnsafeMutablePointer<Float>
    ) {
      (self.matrix, self.value, self.output) = (matrix, value, output)
      (self.sums, self.gradient) = (sums, gradient)
    }
  }

  /// From dh [tokens, width] back through f(gate) * up and to the operands of both input gradients.
  /// `gate.gradient` may be where dh lies; `up.output` is what the activation read.
  package func activationGradients(
    _ f: Activation, gate: Activated, up: Activated?, dh: UnsafePointer<Float>,
    sequenceRanges: [Range<Int>]
  ) -> (gate: Operand?, up: Operand?) {
    let (width, tokens) = (gate.matrix.rows, sequenceRanges.map(\.upperBound).max() ?? 0)
    let kinds = [kind(for: gate.matrix), up.map { kind(for: $0.matrix) } ?? .bf16]
    guard kinds == [.bf16, .bf16], width % 2 == 0 else {
      activateBackward(
        f, gate: gate.value, up: up?.value, dh: dh, count: tokens * width, dgate: gate.gradient,
        dup: up?.gradient)
      return (
        rowGradients(
          gate.matrix, dy: gate.gradient, y: gate.output, sequenceRanges: sequenceRanges,
          wantsOperand: true, sums: gate.sums),
        up.flatMap {
          rowGradients(
            $0.matrix, dy: $0.gradient, y: $0.output, sequenceRanges: sequenceRanges,
            wantsOperand: true, slot: .secondRows, sums: $0.sums)
        }
      )
    }
    let gateFactors = rowFactors(gate.matrix)
    let upFactors = up.flatMap { rowFactors($0.matrix, slot: .secondFactors) }
    let (gateRows, gateOperand) = bf16Rows(tokens: tokens, columns: width, slot: .rows)
    let upRows = up.map { _ in bf16Rows(tokens: tokens, columns: width, slot: .secondRows) }
    for sums in [gate.sums, up?.sums] {
      sums?.update(repeating: 0, count: sequenceRanges.count * width)
    }
    pool.parallelRanges(width, unit: 16) { range, _ in
      for (index, part) in sequenceRanges.enumerated() {
        let (at, to) = (part.lowerBound * width, index * width)
        table.pointee.activation_gradient(
          f.raw, Int32(part.count), Int32(range.lowerBound), Int32(range.upperBound), width,
          gate.value + at, gate.output + at, up.map { $0.value + at }, dh + at, gateFactors,
          upFactors, gateRows + at, upRows.map { $0.0 + at }, gate.sums + to,
          up.map { $0.sums + to })
      }
    }
    return (gateOperand, upRows?.1)
  }
}
