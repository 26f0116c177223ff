internal import Foundation
internal import Kernels
internal import Quantization

/// Sets the bits of code `index` of a stream, one by one, as docs/file-formats.md words it: code k
/// at bits k*b ..< (k+1)*b of a stream of 32-bit little-endian words. `number` gives the place of
/// each word of the stream in the tensor.
func put(
  _ code: UInt8, bits: Int, index: Int, into bytes: inout [UInt8], number: (Int) -> Int = { $0 }
) {
  for bit in 0..<bits where (code >> UInt8(bit)) % 2 == 1 {
    let position = index * bits + bit
    bytes[number(position / 32) * 4 + position % 32 / 8] += UInt8(1) << UInt8(position % 8)
  }
}

/// The integers of a foreign tensor [outputs, columns], and those of its rows that we keep.
struct CodeMatrix {
  enum Rows: CaseIterable {
    /// All; all in shuffled runs of five; every third of those.
    case inOrder, shuffled, some
  }

  let outputs: Int
  let columns: Int
  let bits: Int
  /// [outputs][columns]
  let codes: [[UInt8]]
  let storedRows: [Int]

  init(outputs: Int, columns: Int, bits: Int, rows: Rows = .inOrder) {
    var random = SplitMix64(seed: UInt64(outputs * 1_000_000 + columns * 100 + bits))
    codes = (0..<outputs).map { _ in
      (0..<columns).map { _ in UInt8(random.next() % (1 << UInt64(bits))) }
    }
    let runs = stride(from: 0, to: outputs, by: 5).map { Array($0..<min($0 + 5, outputs)) }
    let shuffled = runs.shuffled(using: &random).flatMap { $0 }
    storedRows =
      switch rows {
      case .inOrder: Array(0..<outputs)
      case .shuffled: shuffled
      case .some: stride(from: 0, to: outputs, by: 3).map { shuffled[$0] }
      }
    (self.outputs, self.columns, self.bits) = (outputs, columns, bits)
  }

  /// Of our rows.
  var layout: PackedLayout {
    PackedLayout(rows: storedRows.count, columns: columns, bits: bits, groupSize: -1)
  }

  /// Our rows, bit by bit.
  var packed: [UInt8] {
    storedRows.flatMap { output in
      var row = [UInt8](repeating: 0, count: layout.rowStride)
      for (column, code) in codes[output].enumerated() {
        put(code, bits: bits, index: column, into: &row)
      }
      return row
    }
  }

  /// [rows, columns], as zero points of groups lie.
  var plain: [UInt8] { storedRows.flatMap { codes[$0] } }
}

/// `bytes` at an odd address, one byte before a page that nobody may touch: reading a word behind
/// them traps.
func unaligned<Result>(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
  let page = Int(getpagesize())
  let usable = (bytes.count + page) / page * page
  let address = mmap(
    nil, usable + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)!
  precondition(address != MAP_FAILED, "no memory for a test")
  defer { munmap(address, usable + page) }
  precondition(mprotect(address + usable, page, PROT_NONE) == 0, "no guard page")
  let start = address + (usable - 1 - bytes.count)
  bytes.withUnsafeBytes { start.copyMemory(from: $0.baseAddress!, byteCount: bytes.count) }
  return body(UnsafeRawBufferPointer(start: start, count: bytes.count))
}

/// What `body` makes of a buffer full of `filling` at an odd address; nil where it wrote beside it.
func written(
  _ count: Int, filling: UInt8 = 0xAA, _ body: (UnsafeMutableRawBufferPointer) -> Void
) -> [UInt8]? {
  changed([UInt8](repeating: filling, count: count), body)
}

/// What `body` makes of `bytes` at an odd address; nil where it wrote beside them.
func changed(_ bytes: [UInt8], _ body: (UnsafeMutableRawBufferPointer) -> Void) -> [UInt8]? {
  let fence: [UInt8] = [0xC3, 0x5A, 0xC3]
  var all = fence + bytes + fence
  all.withUnsafeMutableBytes {
    body(UnsafeMutableRawBufferPointer(rebasing: $0[3..<3 + bytes.count]))
  }
  guard Array(all.prefix(3)) == fence, Array(all.suffix(3)) == fence else { return nil }
  return Array(all[3..<3 + bytes.count])
}
