internal import Kernels

extension PassMemory {
  /// Copies of operands where codes are multiplied as integers: bytes, and what goes with them.
  mutating func addIntegerOperands(
    _ config: DecoderConfig, _ shape: PassShape, _ layers: [Layer], hasTwo: Bool
  ) {
    let (tokens, trains) = (shape.tokens, shape.granularity != nil)
    let (rows, columns) = (layers.map(\.rows).max() ?? 0, layers.map(\.columns).max() ?? 0)
    let widest = Compute.paddedBytes(trains ? max(rows, columns) : columns)
    addBytes(
      "operand.rows",
      max(Compute.byteRowsSize(tokens, padded: widest), headOperand(config, shape)))
    var sums = tokens * (layers.map { Compute.byteParts($0.columns, groups: $0.groups) }.max() ?? 0)
    if trains {
      sums = max(sums, tokens * Compute.byteParts(rows))
      add("operand.factors", rows)
      add("operand.weightFactors", rows)
    }
    if hasTwo {
      let inner = config.intermediateSize
      addBytes(
        "operand.secondRows", Compute.byteRowsSize(tokens, padded: Compute.paddedBytes(inner)))
      add("operand.secondFactors", inner)
      add("operand.secondWeightFactors", inner)
      add("operand.secondSums", tokens * Compute.byteParts(inner))
    }
    let grouped = trains ? layers.filter { !$0.trainsRows } : []
    if let rows = grouped.map(\.rows).max(), let columns = grouped.map(\.columns).max() {
      let padded = (shape.tokensPerSequence + 3) / 4 * 4
      let panels = Compute.panelColumns(columns)
      addBytes("operand.panels", panels * padded)
      add("operand.panelScales", panels * Compute.byteRuns(padded))
      addBytes("operand.transposed", Compute.byteRowsSize(rows, padded: padded))
      sums = max(sums, rows * Compute.byteRuns(padded))
    }
    add("operand.sums", sums)
    addZeroPointSums(layers, shape)
  }

  /// Bytes of the head's operands, which stay floating-point: in fp32 they are no copies.
  private func headOperand(_ config: DecoderConfig, _ shape: PassShape) -> Int {
    guard shape.precision == .bf16 else { return 0 }
    let widest = shape.granularity == nil ? config.hiddenSize : config.vocabularySize
    return shape.headPositions * Self.even(max(config.hiddenSize, widest)) * 2
  }
}
