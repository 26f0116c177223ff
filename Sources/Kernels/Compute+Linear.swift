internal import CKernels

extension Compute {
  private func products(for w: WeightMatrix) -> UnsafePointer<peqa_kernels> {
    guard precision == .fp32, !w.isQuantized, let denseTable else { return table }
    return UnsafePointer(denseTable.table)
  }

  /// y [tokens, O] = x W^T + bias.
  ///
  /// - Parameter rowsStandAlone: a row has the same bits whatever rows are multiplied beside it. So
  ///   it is in any case but that of dense matrices in fp32, where it costs OpenBLAS's speed.
  package func forward(
    _ w: WeightMatrix, _ x: Operand, tokens: Int, bias: UnsafePointer<Float>? = nil,
    rowsStandAlone: Bool = false, into y: UnsafeMutablePointer<Float>
  ) {
    let table = rowsStandAlone ? table : products(for: w)
    let x = fitted(x, for: w, tokens: tokens, slot: .fitted)
    inPanels(of: w.rows, tokens: tokens, cut: tokenCut(table)) { rows, outputs, worker in
      var (matrix, operand) = (w.raw, x.raw)
      peqa_linear_forward(
        table, &matrix, &operand, Int32(rows.lowerBound), Int32(rows.upperBound),
        Int32(outputs.lowerBound), Int32(outputs.upperBound), bias, y, w.rows, panels[worker])
    }
  }

  /// dx [tokens, I] (+)= dy W, for dy [tokens, O].
  package func inputGradient(
    _ w: WeightMatrix, _ dy: UnsafePointer<Float>, tokens: Int,
    into dx: UnsafeMutablePointer<Float>, accumulating: Bool
  ) {
    let scaled =
      kind(for: w) == .i8
      ? byteGradient(w, dy, tokens: tokens, slot: .rows)
      : operand(dy, tokens: tokens, columns: w.rows, factors: rowFactors(w))
    inputGradient(w, scaled, tokens: tokens, into: dx, accumulating: accumulating)
  }

  /// The same for dy that has been multiplied by the rows' scales: what `rowGradients` returns.
  package func inputGradient(
    _ w: WeightMatrix, _ dy: Operand, tokens: Int, into dx: UnsafeMutablePointer<Float>,
    accumulating: Bool
  ) {
    let table = products(for: w)
    inMatrixOrder(w, tokens: tokens, into: dx, accumulating: accumulating) { dx, accumulating in
      inPanels(of: w.columns, tokens: tokens, cut: tokenCut(table)) { rows, inputs, worker in
        var (matrix, operand) = (w.raw, dy.raw)
        peqa_linear_input_gradient(
          table, &matrix, &operand, Int32(rows.lowerBound), Int32(rows.upperBound),
          Int32(inputs.lowerBound), Int32(inputs.upperBound), dx, w.columns, accumulating ? 1 : 0,
          panels[worker])
      }
    }
  }

  /// ds [O, G] = sum over the group of the unscaled weights (peqa_grid) times dy^T x, for dy
  /// [tokens, O] and x [tokens, I].
  package func groupGradient(
    _ w: WeightMatrix, dy: UnsafePointer<Float>, x: UnsafePointer<Float>, tokens: Int,
    into ds: UnsafeMutablePointer<Float>
  ) {
    ds.update(repeating: 0, count: w.rows * w.groups)
    // No token of a sequence may have come to an expert; products of depth 0 leave memory as it
    // was.
    guard tokens > 0 else { return }
    let x = inOrder(x, of: w, tokens: tokens)
    if kind(for: w) == .i8 { return byteGroupGradient(w, dy: dy, x: x, tokens: tokens, into: ds) }
    let padded = tokens + tokens % 2
    let size = precision.kind.byteCount
    let lanes = Int(PEQA_PANEL)
    let columns = Self.panelColumns(w.columns)
    let blocks = columns / lanes
    let tokenPanels = operandMemory(.panels, bytes: columns * padded * size)
    pool.parallelFor(blocks) { block in
      let panel = tokenPanels + block * lanes * padded * size
      let (t, i, o) = (Int32(tokens), Int32(w.columns), Int32(block * lanes))
      if precision == .bf16 {
        table.pointee.pack_tokens_bf16(
          t, i, o, x, w.columns, panel.assumingMemoryBound(to: UInt16.self))
      } else {
        table.pointee.pack_tokens_f32(
          t, i, o, x, w.columns, panel.assumingMemoryBound(to: Float.self))
      }
    }
    let transposed = transpose(dy, tokens: tokens, columns: w.rows)
    multiplyGroups(w, transposed, tokenPanels, panelScales: nil, tokens: tokens, into: ds)
  }

  func multiplyGroups(
    _ w: WeightMatrix, _ transposed: Operand, _ tokenPanels: UnsafeRawPointer,
    panelScales: UnsafePointer<Float>?, tokens: Int, into ds: UnsafeMutablePointer<Float>
  ) {
    pool.parallelFor((w.rows + 23) / 24) { part, worker in
      var (matrix, operand) = (w.raw, transposed.raw)
      peqa_linear_group_gradient(
        table, &matrix, &operand, tokenPanels, panelScales, Int32(tokens), Int32(part * 24),
        Int32(min(w.rows, part * 24 + 24)), ds, panels[worker])
    }
  }

  /// Columns of whole panels that hold `columns`.
  package static func panelColumns(_ columns: Int) -> Int {
    let lanes = Int(PEQA_PANEL)
    return (columns + lanes - 1) / lanes * lanes
  }

  /// x^T as an operand [columns, tokens].
  private func transpose(_ x: UnsafePointer<Float>, tokens: Int, columns: Int) -> Operand {
    let padded = tokens + tokens % 2
    if precision == .bf16 {
      let out = operandMemory(.transposed, bytes: columns * padded * 2)
        .assumingMemoryBound(to: UInt16.self)
      pool.parallelRanges(columns, unit: 16) { range, _ in
        table.pointee.transpose_bf16(
          Int32(tokens), Int32(range.lowerBound), Int32(range.upperBound), Int32(padded), x,
          columns, out)
      }
      return Operand(pointer: UnsafeRawPointer(out), rowStride: padded, kind: .bf16)
    }
    let out = operandMemory(.transposed, bytes: columns * tokens * 4)
      .assumingMemoryBound(to: Float.self)
    pool.parallelRanges(columns, unit: 16) { range, _ in
      for o in range { for t in 0..<tokens { out[o * tokens + t] = x[t * columns + o] } }
    }
    return Operand(pointer: UnsafeRawPointer(out), rowStride: tokens, kind: .f32)
  }

  /// Where products must cut the tokens; nil anywhere. OpenBLAS adds in another order when it gets
  /// few rows (its small-matrix kernels), so its cuts must not depend on the number of threads.
  private func tokenCut(_ products: UnsafePointer<peqa_kernels>) -> Int? {
    products == denseTable.map { UnsafePointer($0.table) } ? 192 : nil
  }

  /// Cuts the plane of output panels x tokens into even parts and calls `body` for each chunk of a
  /// panel: at every `cut` tokens and nowhere else, or where the threads like it. A panel that is
  /// cut is unpacked twice, so parts are few: two a thread let one wait for half a part at most.
  private func inPanels(
    of columns: Int, tokens: Int, cut: Int?,
    _ body: (_ tokens: Range<Int>, _ columns: Range<Int>, _ worker: Int) -> Void
  ) {
    let lanes = Int(PEQA_PANEL)
    let panelCount = (columns + lanes - 1) / lanes
    let unit = cut ?? 24
    let units = (tokens + unit - 1) / unit
    let total = panelCount * units
    let parts = cut != nil ? total : pool.threads == 1 ? 1 : min(total, pool.threads * 2)
    pool.parallelFor(parts) { part, worker in
      var at = part * total / parts
      let end = (part + 1) * total / parts
      while at < end {
        let panel = at / units
        let stop = min(end, (panel + 1) * units)
        let first = at - panel * units
        let last = stop - panel * units
        body(
          first * unit..<min(tokens, last * unit),
          panel * lanes..<min(columns, (panel + 1) * lanes), worker)
        at = stop
      }
    }
  }
}
