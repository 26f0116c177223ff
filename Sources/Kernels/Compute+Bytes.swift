internal import CKernels

/// What goes with an operand of bytes: the number at (t, i) is the byte times `scales[t]`.
struct ByteRows {
  /// Where the numbers stand in fp32, for matrices that are not multiplied as integers; nil for
  /// gradients.
  let source: UnsafePointer<Float>?
  let scales: UnsafePointer<Float>
  /// [rows, parts] of what the zero points of parts are multiplied by, made for one matrix.
  var sums: UnsafePointer<Float>?
  var parts = 0
  /// What weights of several groups are multiplied by before they are rounded to bytes, [O].
  var weightFactors: UnsafePointer<Float>?
}

// Products of codes as integers, exact but for what becomes of their operands: each token of an
// input, and of a gradient, is rounded to bytes by its own greatest number, so that no bit depends
// on what else is in a batch.
extension Compute {
  /// x [tokens, columns] rounded to bytes.
  func byteOperand(_ x: UnsafePointer<Float>, tokens: Int, columns: Int) -> Operand {
    byteRows(x, tokens: tokens, columns: columns, slots: (.rows, .scales), source: x)
  }

  private func byteRows(
    _ x: UnsafePointer<Float>, tokens: Int, columns: Int, factors: UnsafePointer<Float>? = nil,
    slots: (rows: OperandSlot, scales: OperandSlot), source: UnsafePointer<Float>?
  ) -> Operand {
    let padded = Self.paddedBytes(columns)
    let rows = operandMemory(slots.rows, bytes: tokens * padded).assumingMemoryBound(to: Int8.self)
    let scales = floats(slots.scales, tokens)
    pool.parallelRanges(tokens, unit: 8) { range, _ in
      let at = range.lowerBound
      table.pointee.round_i8(
        Int32(range.count), Int32(columns), Int32(padded), x + at * columns, columns, factors,
        rows + at * padded, scales + at)
    }
    return Operand(
      pointer: UnsafeRawPointer(rows), rowStride: padded, kind: .i8,
      bytes: ByteRows(source: source, scales: UnsafePointer(scales)))
  }

  /// Adds the sums by which the zero points of `w` are multiplied.
  func addSums(to x: inout Operand, for w: WeightMatrix, tokens: Int, slot: OperandSlot) {
    let whole = x.isForDecoding ? w.columns : Int(PEQA_DEPTH)
    addSums(
      to: &x, tokens: tokens, columns: w.columns,
      part: w.groups > 1 ? Int(w.raw.group_size) : whole,
      slot: slot == .fitted ? .sums : slot == .secondFitted ? .secondSums : .thirdSums)
  }

  /// Bytes in floating point, for a dense matrix among quantized ones that read the same input.
  func inFloats(
    _ x: Operand, _ w: WeightMatrix, _ tokens: Int, _ slot: OperandSlot
  ) -> Operand {
    guard let source = x.bytes?.source else {
      preconditionFailure("a gradient in bytes is for its own matrix")
    }
    return x.isForDecoding
      ? decodeOperand(source, tokens: tokens, for: w, slot: slot)
      : operand(source, tokens: tokens, columns: w.columns, slot: slot)
  }

  private func addSums(
    to x: inout Operand, tokens: Int, columns: Int, part: Int,
    weights: UnsafePointer<Float>? = nil, slot: OperandSlot
  ) {
    let parts = (columns + part - 1) / part
    let sums = floats(slot, tokens * parts)
    let (rows, stride) = (x.pointer.assumingMemoryBound(to: Int8.self), x.rowStride)
    pool.parallelRanges(tokens, unit: 8) { range, _ in
      let at = range.lowerBound
      peqa_int8_sums(
        Int32(range.count), Int32(columns), Int32(part), rows + at * stride, stride, weights,
        sums + at * parts)
    }
    x.bytes?.sums = UnsafePointer(sums)
    x.bytes?.parts = parts
  }

  /// dy [tokens, O] as an operand of `inputGradient`: with the scales of the rows, rounded.
  func byteGradient(
    _ w: WeightMatrix, _ dy: UnsafePointer<Float>, tokens: Int, slot: OperandSlot
  ) -> Operand {
    let isFirst = slot == .rows
    let factors = floats(isFirst ? .factors : .secondFactors, w.rows)
    let others = floats(isFirst ? .weightFactors : .secondWeightFactors, w.rows)
    pool.parallelRanges(w.rows, unit: 16) { range, _ in
      withUnsafePointer(to: w.raw) {
        peqa_int8_row_factors(
          $0, Int32(range.lowerBound), Int32(range.upperBound), factors, others)
      }
    }
    var operand = byteRows(
      dy, tokens: tokens, columns: w.rows, factors: factors,
      slots: (slot, isFirst ? .scales : .secondScales), source: nil)
    addSums(
      to: &operand, tokens: tokens, columns: w.rows, part: Int(PEQA_DEPTH),
      weights: w.groups == 1 ? UnsafePointer(others) : nil, slot: isFirst ? .sums : .secondSums)
    operand.bytes?.weightFactors = UnsafePointer(others)
    return operand
  }

  /// `groupGradient` with x and dy rounded to bytes: x token by token, dy times the scale of its
  /// token row by row of the matrix.
  func byteGroupGradient(
    _ w: WeightMatrix, dy: UnsafePointer<Float>, x: UnsafePointer<Float>, tokens: Int,
    into ds: UnsafeMutablePointer<Float>
  ) {
    let lanes = Int(PEQA_PANEL)
    let (padded, blocks) = ((tokens + 3) / 4 * 4, Self.panelColumns(w.columns) / Int(PEQA_PANEL))
    let rounded = byteOperand(x, tokens: tokens, columns: w.columns)
    let panels = operandMemory(.panels, bytes: blocks * lanes * padded)
      .assumingMemoryBound(to: UInt8.self)
    pool.parallelFor(blocks) { block in
      table.pointee.pack_tokens_i8(
        Int32(tokens), Int32(w.columns), Int32(block * lanes),
        rounded.pointer.assumingMemoryBound(to: Int8.self), rounded.rowStride,
        panels + block * lanes * padded)
    }
    let rows = operandMemory(.transposed, bytes: w.rows * padded)
      .assumingMemoryBound(to: Int8.self)
    let scales = floats(.transposedScales, w.rows)
    pool.parallelRanges(w.rows, unit: 16) { range, _ in
      table.pointee.round_transposed_i8(
        Int32(tokens), Int32(range.lowerBound), Int32(range.upperBound), Int32(padded), dy, w.rows,
        rounded.bytes?.scales, rows, scales)
    }
    var transposed = Operand(
      pointer: UnsafeRawPointer(rows), rowStride: padded, kind: .i8,
      bytes: ByteRows(source: nil, scales: UnsafePointer(scales)))
    addSums(
      to: &transposed, tokens: w.rows, columns: tokens, part: Int(PEQA_DEPTH), slot: .sums)
    multiplyGroups(w, transposed, UnsafeRawPointer(panels), tokens: tokens, into: ds)
  }

  /// Bytes of a row of `columns`.
  package static func paddedBytes(_ columns: Int) -> Int {
    let block = Int(PEQA_BYTE_BLOCK)
    return (columns + block - 1) / block * block
  }

  /// Parts of a row of `columns` for its sums: groups, or blocks of one group.
  package static func byteParts(_ columns: Int, groups: Int = 1) -> Int {
    groups > 1 ? groups : (columns + Int(PEQA_DEPTH) - 1) / Int(PEQA_DEPTH)
  }

  private func floats(_ slot: OperandSlot, _ count: Int) -> UnsafeMutablePointer<Float> {
    operandMemory(slot, bytes: count * 4).assumingMemoryBound(to: Float.self)
  }
}
