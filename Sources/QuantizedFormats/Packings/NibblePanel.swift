/// Some inputs and columns of words of an AWQ matrix, held as a GPTQ file would have them: a word
/// of `words` [height, columns.count * 8] has eight inputs of one output.
struct NibblePanel {
  let words: UnsafeMutablePointer<UInt32>
  /// Begins at a multiple of 8.
  let inputs: Range<Int>
  /// Of the file's words, eight outputs each.
  let columns: Range<Int>
  /// O/8: words of an input in the file.
  let fileColumns: Int

  /// Words of an output; behind the last input they have zero bits.
  var height: Int { (inputs.count + 7) / 8 }

  /// Takes the panel's codes from qweight.
  func read(_ file: UnsafeRawPointer) {
    eachSquare { square, place, count, outputs in
      for i in 0..<8 {
        let word = i < count ? file.loadUnaligned(fromByteOffset: place(i), as: UInt32.self) : 0
        square[i] = UInt32(littleEndian: word)
      }
      Self.transpose(square)
      for j in 0..<8 { outputs[Self.output(ofNibble: j)] = square[j].littleEndian }
    }
  }

  /// Puts the panel's codes into qweight.
  func write(_ file: UnsafeMutableRawPointer) {
    eachSquare { square, place, count, outputs in
      for j in 0..<8 { square[j] = UInt32(littleEndian: outputs[Self.output(ofNibble: j)]) }
      Self.transpose(square)
      for i in 0..<count {
        file.storeBytes(of: square[i].littleEndian, toByteOffset: place(i), as: UInt32.self)
      }
    }
  }

  /// [0, 2, 4, 6, 1, 3, 5, 7][j]
  @inline(__always)
  private static func output(ofNibble j: Int) -> Int { j < 4 ? 2 &* j : 2 &* j &- 7 }

  /// Calls `move` for eight inputs of each column with room for eight words, the place in the file
  /// of the word of an input, the number of inputs, and the panel's words of the eight outputs.
  @inline(__always)
  private func eachSquare(
    _ move: (UnsafeMutablePointer<UInt32>, (Int) -> Int, Int, UnsafeMutablePointer<UInt32>) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 8) { buffer in
      guard let square = buffer.baseAddress else { return }
      buffer.initialize(repeating: 0)
      for h in 0..<height {
        let input = inputs.lowerBound + 8 * h
        let count = min(8, inputs.upperBound - input)
        for column in columns {
          let first = (input &* fileColumns &+ column) &* 4
          let outputs = words + (h &* columns.count &+ column &- columns.lowerBound) &* 8
          move(square, { first &+ $0 &* fileColumns &* 4 }, count, outputs)
        }
      }
    }
  }

  /// Nibble i of word j takes the place of nibble j of word i, for eight words.
  ///
  /// Halves, then bytes, then nibbles of pairs of words are exchanged: Warren, "Hacker's Delight",
  /// 7-3.
  @inline(__always)
  private static func transpose(_ words: UnsafeMutablePointer<UInt32>) {
    exchange(words, distance: 4, mask: 0x0000_FFFF)
    exchange(words, distance: 2, mask: 0x00FF_00FF)
    exchange(words, distance: 1, mask: 0x0F0F_0F0F)
  }

  @inline(__always)
  private static func exchange(
    _ words: UnsafeMutablePointer<UInt32>, distance: Int, mask: UInt32
  ) {
    let shift = UInt32(truncatingIfNeeded: 4 &* distance)
    for i in 0..<8 where i & distance == 0 {
      let change = ((words[i] &>> shift) ^ words[i &+ distance]) & mask
      words[i &+ distance] ^= change
      words[i] ^= change &<< shift
    }
  }
}
