/// Zero points of a foreign file: for each group a bit stream along the outputs.
///
/// Word w of group g is the 32-bit number `w * wordStride + g * groupStride` of the tensor; code k
/// of a group is bits k*b ..< (k+1)*b of its stream. Ours are bytes [rows, G], row r being code
/// `places[r]`. No address needs to be aligned.
struct ZeroPointStream {
  let bits: Int
  let outputs: Int
  let groups: Int
  let wordStride: Int
  let groupStride: Int
  /// Codes are stored less one, see `GPTQPacking`.
  var lessOne = false

  /// ceil(O * b / 32).
  private var words: Int { packedWords(codes: outputs, bits: bits) }
  private var mask: UInt32 { 1 << UInt32(bits) - 1 }
  var byteCount: Int { words * groups * 4 }

  /// One in every code, where no code crosses the border of a word.
  private var ones: UInt32 { UInt32.max / mask }
  private var crosses: Bool { 32 % bits != 0 }

  func unpack(
    _ tensor: UnsafeRawBufferPointer, places: [Int], into zeros: UnsafeMutableRawBufferPointer
  ) {
    precondition(tensor.count >= byteCount, "the tensor of zero points is too short")
    precondition(zeros.count >= places.count * groups, "the buffer of zero points is too short")
    precondition(places.allSatisfy { $0 >= 0 && $0 < outputs }, "a row that the file does not have")
    for (row, place) in places.enumerated() {
      for group in 0..<groups {
        zeros[row * groups + group] = UInt8(code(place, group, of: tensor))
      }
    }
  }

  /// Writes the whole tensor; codes behind the last output are 0, before they are lessened by one.
  func pack(
    _ zeros: UnsafeRawBufferPointer, places: [Int], into tensor: UnsafeMutableRawBufferPointer
  ) {
    precondition(tensor.count >= byteCount, "the tensor of zero points is too short")
    precondition(zeros.count >= places.count * groups, "the buffer of zero points is too short")
    precondition(
      places.count == outputs && Set(places) == Set(0..<outputs), "zero points of all outputs")
    var lines = [UInt32](repeating: 0, count: words)
    for group in 0..<groups {
      for (row, place) in places.enumerated() {
        put(UInt32(zeros[row * groups + group]), at: place, into: &lines)
      }
      for (word, var line) in lines.enumerated() {
        if lessOne && !crosses { line &-= ones }
        tensor.storeBytes(of: line.littleEndian, toByteOffset: offset(word, group), as: UInt32.self)
        lines[word] = 0
      }
    }
  }

  private func offset(_ word: Int, _ group: Int) -> Int {
    4 * (word * wordStride + group * groupStride)
  }

  private func code(_ place: Int, _ group: Int, of tensor: UnsafeRawBufferPointer) -> UInt32 {
    func line(_ word: Int) -> UInt32 {
      let line = UInt32(
        littleEndian: tensor.loadUnaligned(fromByteOffset: offset(word, group), as: UInt32.self))
      return lessOne && !crosses ? line &+ ones : line
    }
    let (word, shift) = (place * bits / 32, place * bits % 32)
    var code = line(word) >> UInt32(shift)
    if shift + bits > 32 { code |= line(word + 1) << UInt32(32 - shift) }
    return (lessOne && crosses ? code &+ 1 : code) & mask
  }

  private func put(_ zero: UInt32, at place: Int, into lines: inout [UInt32]) {
    precondition(zero <= mask, "a zero point beyond the codes")
    let code = lessOne && crosses ? (zero &- 1) & mask : zero
    let (word, shift) = (place * bits / 32, place * bits % 32)
    lines[word] |= code << UInt32(shift)
    if shift + bits > 32 { lines[word + 1] |= code >> UInt32(32 - shift) }
  }
}

/// Words of 32 bits that hold so many codes: ceil(codes * b / 32).
func packedWords(codes: Int, bits: Int) -> Int { (codes * bits + 31) / 32 }
