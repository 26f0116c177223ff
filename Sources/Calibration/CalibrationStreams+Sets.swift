internal import DecoderModel
internal import Kernels
internal import Quantization

extension CalibrationStreams {
  /// Bytes that the moments of the sets that are worked on together may take.
  private static let momentBytes = 1 << 30

  /// Calls `body` for each set of layers of a part that read the same numbers, with the moments of
  /// these; collective.
  func forEachSet(
    of part: BlockStages.Part, _ layer: Int, _ decoder: Decoder, _ stages: BlockStages,
    _ options: CalibrationOptions, check: () throws -> Void,
    _ body: ([LinearRole], InputMoments) throws -> Void
  ) throws {
    let (sets, columns) = BlockStages.roles(of: part, decoder.config)
    let atOnce = max(1, Self.momentBytes / (columns * columns * 4))
    for first in stride(from: 0, to: sets.count, by: atOnce) {
      let chosen = first..<min(sets.count, first + atOnce)
      let sums = try moments(
        part, layer, chosen, columns: columns, stages, decoder.compute.pool, check: check)
      for (index, sum) in zip(chosen, sums) {
        let moments = InputMoments(
          sum.matrix(), columns: columns, damping: options.damping,
          ordersColumns: options.ordersColumns, feedsErrorsBack: options.feedsErrorsBack)
        try body(sets[index], moments)
      }
    }
  }
}
