package import Quantization

/// The numbers of AWQ files (quant_method "awq", version "gemm", 4 bits) and ours.
///
/// - qweight I32 [I, O/8]: nibble j, from the low end, of word w of an input is the code of output
///   8w + [0, 2, 4, 6, 1, 3, 5, 7][j];
/// - qzeros I32 [G, O/8]: the zero points in the same order;
/// - scales [G, O]: `ScaleTransposition`.
///
/// `storedRows` gives the output of each of our rows: a permutation or a part of the outputs.
///
/// Source: AutoAWQ, `WQLinear_GEMM`; read by gptqmodel 7.7.0.
package enum AWQPacking {
  package static let bits = 4
  /// Outputs are a multiple of this.
  package static let outputMultiple = 8
  /// Inputs that pass through the buffer at once: one cache line of each of our rows.
  private static let panelInputs = 128

  /// Bytes of qweight, and of qzeros with `inputs` G.
  package static func byteCount(inputs: Int, outputs: Int) -> Int { inputs * (outputs / 8) * 4 }

  /// Reads qweight, writes packed rows [layout.rows, rowStride] with zero bits behind the codes.
  package static func unpack(
    _ words: UnsafeRawBufferPointer, layout: PackedLayout, storedRows: UnsafeBufferPointer<Int>,
    outputs: Int, into codes: UnsafeMutableRawBufferPointer
  ) {
    check(layout, storedRows, outputs, words: words.count, codes: codes.count)
    guard let source = words.baseAddress, let target = codes.baseAddress else { return }
    eachPanel(layout, storedRows, outputs) { panel, transposition, firstWord in
      panel.read(source)
      transposition.gather(UInt32.self, from: panel.words, into: target + firstWord * 4)
    }
    for row in 0..<layout.rows { layout.clearPadding(of: target + row * layout.rowStride) }
  }

  /// Reads packed rows, writes their codes into qweight; those of other rows stay as they are.
  ///
  /// Eight outputs share a word: calls at the same time must not.
  package static func pack(
    _ codes: UnsafeRawBufferPointer, layout: PackedLayout, storedRows: UnsafeBufferPointer<Int>,
    outputs: Int, into words: UnsafeMutableRawBufferPointer
  ) {
    check(layout, storedRows, outputs, words: words.count, codes: codes.count)
    guard let source = codes.baseAddress, let target = words.baseAddress else { return }
    eachPanel(layout, storedRows, outputs) { panel, transposition, firstWord in
      panel.read(UnsafeRawPointer(target))
      transposition.scatter(UInt32.self, from: source + firstWord * 4, into: panel.words)
      panel.write(target)
    }
  }

  /// Reads qzeros, writes `zeros` [storedRows.count, groups].
  package static func unpackZeros(
    _ words: UnsafeRawBufferPointer, groups: Int, storedRows: UnsafeBufferPointer<Int>,
    outputs: Int, into zeros: UnsafeMutableRawBufferPointer
  ) {
    zeroStream(groups: groups, outputs: outputs)
      .unpack(words, places: storedRows.map(place), into: zeros)
  }

  /// Reads `zeros` [outputs, groups], writes the whole of qzeros; `storedRows` is a permutation of
  /// all outputs.
  package static func packZeros(
    _ zeros: UnsafeRawBufferPointer, groups: Int, storedRows: UnsafeBufferPointer<Int>,
    outputs: Int, into words: UnsafeMutableRawBufferPointer
  ) {
    zeroStream(groups: groups, outputs: outputs)
      .pack(zeros, places: storedRows.map(place), into: words)
  }

  private static func zeroStream(groups: Int, outputs: Int) -> ZeroPointStream {
    precondition(outputs % outputMultiple == 0, "AWQ has a multiple of 8 outputs")
    return ZeroPointStream(
      bits: bits, outputs: outputs, groups: groups, wordStride: 1, groupStride: outputs / 8)
  }

  /// Where the code of an output is in a stream of nibbles: even outputs come first.
  private static func place(of output: Int) -> Int {
    let lane = output % 8
    return output - lane + lane / 2 + (lane % 2) * 4
  }

  private static func check(
    _ layout: PackedLayout, _ storedRows: UnsafeBufferPointer<Int>, _ outputs: Int, words: Int,
    codes: Int
  ) {
    precondition(layout.bits == bits, "AWQ has 4 bits")
    precondition(outputs % outputMultiple == 0, "AWQ has a multiple of 8 outputs")
    precondition(storedRows.count == layout.rows, "a stored row for each row")
    precondition(storedRows.allSatisfy { $0 >= 0 && $0 < outputs }, "a row not in the file")
    precondition(
      words >= byteCount(inputs: layout.columns, outputs: outputs) && codes >= layout.byteCount,
      "a buffer is too short")
  }

  /// Calls `move` for each panel, with the transposition between it and our rows and its first
  /// word of them.
  private static func eachPanel(
    _ layout: PackedLayout, _ storedRows: UnsafeBufferPointer<Int>, _ outputs: Int,
    _ move: (NibblePanel, ColumnTransposition, Int) -> Void
  ) {
    guard let lowest = storedRows.min(), let highest = storedRows.max() else { return }
    let columns = lowest / 8..<highest / 8 + 1
    let width = columns.count * 8
    let places = storedRows.map { $0 - columns.lowerBound * 8 }
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: panelInputs / 8 * width) { buffer in
      guard let base = buffer.baseAddress else { return }
      buffer.initialize(repeating: 0)
      for first in stride(from: 0, to: layout.columns, by: panelInputs) {
        let inputs = first..<min(first + panelInputs, layout.columns)
        let panel = NibblePanel(
          words: base, inputs: inputs, columns: columns, fileColumns: outputs / 8)
        places.withUnsafeBufferPointer { places in
          let transposition = ColumnTransposition(
            height: panel.height, width: width, columns: places, rowStride: layout.rowStride)
          move(panel, transposition, first / 8)
        }
      }
    }
  }
}
