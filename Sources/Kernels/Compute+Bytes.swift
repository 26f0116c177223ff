internal import CKernels

/// What goes with an operand of bytes: the number at (t, i) is the byte times the scale of its run,
/// `scales[t, i / 64]`.
struct ByteRows {
  /// Where the numbers stand in fp32, for matrices that are not multiplied as integers; nil for
  /// gradients.
  let source: UnsafePointer<Float>?
  /// [rows, runs].
  var scales: UnsafePointer<Float>
  let runs: Int
  /// [rows, parts] of what the zero points of parts are multiplied by, made for one matrix.
  var sums: UnsafePointer<Float>?
  var parts = 0
  /// What weights of several groups are multiplied by before they are rounded to bytes, [O].
  var weightFactors: UnsafePointer<Float>?
}

// Products of codes as integers, exact but for what becomes of their operands: each 64 numbers of a
// token of an input, and of a gradient, are rounded to bytes by the greatest of them, so that no
// bit depends on what else is in a batch.
extension Compute {
  /// x [tokens, columns] rounded to bytes.
  func byteOperand(_ x: UnsafePointer<Float>, tokens: Int, columns: Int) -> Operand {
    byteRows(x, tokens: tokens, columns: columns, slot: .rows, source: x)
  }

  /// An operand of bytes made of an input [tokens, columns of w] in the order of `w`.
  func byteOperand(inOrderOf w: WeightMatrix, _ x: Operand, tokens: Int, slot: OperandSlot)
    -> Operand
  {
    let numbers = inOrder(byteSource(x), of: w, tokens: tokens, slot: .orderedNumbers)
    var operand = byteRows(numbers, tokens: tokens, columns: w.columns, slot: slot, source: nil)
    operand.isForDecoding = x.isForDecoding
    return operand
  }

  private func byteSource(_ x: Operand) -> UnsafePointer<Float> {
    guard let source = x.bytes?.source else {
      preconditionFailure("a gradient in bytes is for its own matrix")
    }
    return source
  }

  private func byteRows(
    _ x: UnsafePointer<Float>, tokens: Int, columns: Int, factors: UnsafePointer<Float>? = nil,
    slot: OperandSlot, source: UnsafePointer<Float>?
  ) -> Operand {
    let padded = Self.paddedBytes(columns)
    let (rows, scales) = byteMemory(slot, rows: tokens, padded: padded)
    let runs = Self.byteRuns(padded)
    pool.parallelRanges(tokens, unit: 8) { range, _ in
      let at = range.lowerBound
      table.pointee.round_i8(
        Int32(range.count), Int32(columns), Int32(padded), x + at * columns, columns, factors,
        rows + at * padded, scales + at * runs)
    }
    return Operand(
      pointer: UnsafeRawPointer(rows), rowStride: padded, kind: .i8,
      bytes: ByteRows(source: source, scales: UnsafePointer(scales), runs: runs))
  }

  /// Bytes [rows, padded] and, behind them, the scales of their runs.
  private func byteMemory(
    _ slot: OperandSlot, rows: Int, padded: Int
  ) -> (UnsafeMutablePointer<Int8>, UnsafeMutablePointer<Float>) {
    let memory = operandMemory(slot, bytes: Self.byteRowsSize(rows, padded: padded))
    return (
      memory.assumingMemoryBound(to: Int8.self),
      (memory + Self.wholeWords(rows * padded)).assumingMemoryBound(to: Float.self)
    )
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
    let source = byteSource(x)
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
    let from = x
    pool.parallelRanges(tokens, unit: 8) { range, _ in
      var rows = from.rows(from: range.lowerBound).raw
      peqa_int8_sums(
        Int32(range.count), Int32(columns), Int32(part), &rows, weights,
        sums + range.lowerBound * parts)
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
      dy, tokens: tokens, columns: w.rows, factors: factors, slot: slot, source: nil)
    addSums(
      to: &operand, tokens: tokens, columns: w.rows, part: Int(PEQA_DEPTH),
      weights: w.groups == 1 ? UnsafePointer(others) : nil, slot: isFirst ? .sums : .secondSums)
    operand.bytes?.weightFactors = UnsafePointer(others)
    return operand
  }

  /// `groupGradient` with x and dy rounded to bytes, each of their columns 64 tokens at a time.
  func byteGroupGradient(
    _ w: WeightMatrix, dy: UnsafePointer<Float>, x: UnsafePointer<Float>, tokens: Int,
    into ds: UnsafeMutablePointer<Float>
  ) {
    let lanes = Int(PEQA_PANEL)
    let (padded, blocks) = ((tokens + 3) / 4 * 4, Self.panelColumns(w.columns) / Int(PEQA_PANEL))
    let runs = Self.byteRuns(padded)
    let panels = operandMemory(.panels, bytes: blocks * lanes * padded)
      .assumingMemoryBound(to: UInt8.self)
    let panelScales = floats(.panelScales, blocks * lanes * runs)
    pool.parallelFor(blocks) { block in
      table.pointee.pack_tokens_i8(
        Int32(tokens), Int32(w.columns), Int32(block * lanes), x, w.columns,
        panels + block * lanes * padded, panelScales + block * lanes * runs)
    }
    let (rows, scales) = byteMemory(.transposed, rows: w.rows, padded: padded)
    pool.parallelRanges(w.rows, unit: 16) { range, _ in
      table.pointee.round_transposed_i8(
        Int32(tokens), Int32(range.lowerBound), Int32(range.upperBound), Int32(padded), dy, w.rows,
        rows, scales)
    }
    var transposed = Operand(
      pointer: UnsafeRawPointer(rows), rowStride: padded, kind: .i8,
      bytes: ByteRows(source: nil, scales: UnsafePointer(scales), runs: runs))
    addSums(
      to: &transposed, tokens: w.rows, columns: tokens, part: Int(PEQA_BYTE_RUN), slot: .sums)
    multiplyGroups(
      w, transposed, UnsafeRawPointer(panels), panelScales: panelScales, tokens: tokens, into: ds)
  }

  /// Bytes of a row of `columns`.
  package static func paddedBytes(_ columns: Int) -> Int {
    let block = Int(PEQA_BYTE_RUN)
    return (columns + block - 1) / block * block
  }

  /// Scales of a row of `columns` bytes.
  package static func byteRuns(_ columns: Int) -> Int { Int(peqa_byte_runs(Int32(columns))) }

  /// Memory for rows of bytes and their scales.
  package static func byteRowsSize(_ rows: Int, padded: Int) -> Int {
    wholeWords(rows * padded) + rows * byteRuns(padded) * MemoryLayout<Float>.stride
  }

  private static func wholeWords(_ bytes: Int) -> Int { (bytes + 3) / 4 * 4 }

  /// Parts of a row of `columns` for its sums: groups, or blocks of one group.
  package static func byteParts(_ columns: Int, groups: Int = 1) -> Int {
    groups > 1 ? groups : (columns + Int(PEQA_DEPTH) - 1) / Int(PEQA_DEPTH)
  }

  private func floats(_ slot: OperandSlot, _ count: Int) -> UnsafeMutablePointer<Float> {
    operandMemory(slot, bytes: count * 4).assumingMemoryBound(to: Float.self)
  }
}
