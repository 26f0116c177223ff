internal import CKernels

/// y [tokens, O] = x W^T of one matrix.
package struct Product {
  package let matrix: WeightMatrix
  package let output: UnsafeMutablePointer<Float>

  package init(_ matrix: WeightMatrix, into output: UnsafeMutablePointer<Float>) {
    self.matrix = matrix
    self.output = output
  }
}

// Products of a few tokens: the weights are read once, as they lie, and that is what they cost.
// The same function as `forward`, but for the order of additions.
extension Compute {
  /// Up to so many tokens these products are faster than panels, measured in
  /// docs/results/decode.md.
  package static let fewTokens = 8

  /// Prepares x [tokens, columns of w] for `decode` with `w`; for matrices stored otherwise
  /// `decode` makes copies.
  package func decodeOperand(
    _ x: UnsafePointer<Float>, tokens: Int, for w: WeightMatrix, slot: OperandSlot = .rows
  ) -> Operand {
    if decodeKind(for: w) == .i8 {
      var operand = byteOperand(x, tokens: tokens, columns: w.columns)
      operand.isForDecoding = true
      return operand
    }
    let (columns, block) = (w.columns, Int(PEQA_FEW_BLOCK))
    let padded = (columns + block - 1) / block * block
    let copy = operandMemory(slot, bytes: tokens * padded * precision.kind.byteCount)
    let isOrdered = precision == .bf16 && w.wantsOrderedOperand
    switch precision {
    case .bf16:
      table.pointee.gemv_operand_bf16(
        Int32(tokens), Int32(columns), Int32(padded), isOrdered ? 1 : 0, x, columns,
        copy.assumingMemoryBound(to: UInt16.self))
    case .fp32:
      let rows = copy.assumingMemoryBound(to: Float.self)
      for t in 0..<tokens {
        (rows + t * padded).update(from: x + t * columns, count: columns)
        (rows + t * padded + columns).update(repeating: 0, count: padded - columns)
      }
    }
    return Operand(
      pointer: UnsafeRawPointer(copy), rowStride: padded, kind: precision.kind, isForDecoding: true,
      isOrdered: isOrdered)
  }

  /// What products of few tokens multiply. They wait for codes, not for products, and bf16, which
  /// rounds less, reads codes faster than bytes do (docs/results/performance.md).
  private func decodeKind(for w: WeightMatrix) -> OperandKind {
    precision == .bf16 ? .bf16 : kind(for: w)
  }

  /// One or more products with the same input, handed to the threads together.
  package func decode(
    _ first: Product, _ second: Product? = nil, _ third: Product? = nil,
    input x: Operand, tokens: Int
  ) {
    let total = first.matrix.rows + (second?.matrix.rows ?? 0) + (third?.matrix.rows ?? 0)
    let inputs = inputs(first, second, third, x, tokens: tokens)
    inRowRanges(total) { range in
      var rest = range
      rest = multiply(first, rest, inputs.0, tokens: tokens)
      if let second { rest = multiply(second, rest, inputs.1, tokens: tokens) }
      if let third { rest = multiply(third, rest, inputs.2, tokens: tokens) }
    }
  }

  /// activated [tokens, F] = f(x gate^T + bias) * (x up^T) in one job, or f alone without an up;
  /// the products stay in their outputs. `biased` is where gate's output goes with its bias.
  package func decodeActivated(
    _ f: Activation, gate: Product, up: Product?,
    bias: (numbers: UnsafePointer<Float>, biased: UnsafeMutablePointer<Float>)? = nil,
    input x: Operand, tokens: Int, into activated: UnsafeMutablePointer<Float>
  ) {
    let width = gate.matrix.rows
    precondition(up.map { $0.matrix.rows == width } ?? true, "gate and up have as many rows")
    let inputs = inputs(gate, up, nil, x, tokens: tokens)
    inRowRanges(width) { rows in
      _ = multiply(gate, rows, inputs.0, tokens: tokens)
      if let up { _ = multiply(up, rows, inputs.1, tokens: tokens) }
      for t in 0..<tokens {
        let at = t * width + rows.lowerBound
        var value = UnsafePointer(gate.output + at)
        if let bias {
          table.pointee.sum(rows.count, value, bias.numbers + rows.lowerBound, bias.biased + at)
          value = UnsafePointer(bias.biased + at)
        }
        table.pointee.activate(
          f.raw, rows.count, value, up.map { UnsafePointer($0.output + at) }, activated + at, nil)
      }
    }
  }

  /// What each product reads.
  private func inputs(
    _ first: Product, _ second: Product?, _ third: Product?, _ x: Operand, tokens: Int
  ) -> (Operand, Operand, Operand) {
    (
      fitted(x, for: first.matrix, tokens: tokens, slot: .fitted),
      second.map { fitted(x, for: $0.matrix, tokens: tokens, slot: .secondFitted) } ?? x,
      third.map { fitted(x, for: $0.matrix, tokens: tokens, slot: .thirdFitted) } ?? x
    )
  }

  /// The rows of `range` that belong to the matrix; returns the others, counted from its end.
  private func multiply(
    _ product: Product, _ range: Range<Int>, _ x: Operand, tokens: Int
  ) -> Range<Int> {
    let count = product.matrix.rows
    let here = range.clamped(to: 0..<count)
    if !here.isEmpty {
      withUnsafePointer(to: product.matrix.raw) {
        let (from, to, t) = (Int32(here.lowerBound), Int32(here.upperBound), Int32(tokens))
        switch x.kind {
        case .bf16:
          table.pointee.gemv_bf16(
            $0, from, to, t, x.pointer.assumingMemoryBound(to: UInt16.self), x.rowStride, nil,
            product.output, count)
        case .i8:
          var operand = x.raw
          table.pointee.gemv_i8($0, from, to, t, &operand, product.output, count)
        case .f32:
          table.pointee.gemv_f32(
            $0, from, to, t, x.pointer.assumingMemoryBound(to: Float.self), x.rowStride, nil,
            product.output, count)
        }
      }
    }
    return max(0, range.lowerBound - count)..<max(0, range.upperBound - count)
  }

  /// Long runs of rows, so that memory is read in long streams; a few more than threads, for
  /// balance.
  private func inRowRanges(_ rows: Int, _ body: (Range<Int>) -> Void) {
    let unit = 16
    let units = (rows + unit - 1) / unit
    let parts = pool.threads == 1 ? 1 : min(units, pool.threads * 4)
    pool.parallelFor(parts) { part in
      body(part * units / parts * unit..<min(rows, (part + 1) * units / parts * unit))
    }
  }
}
