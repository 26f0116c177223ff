import Checkpoints
import Kernels
import Quantization
import QuantizedFormats
import Testing

/// What the tests know of a type of blocks, apart from the code.
struct BlockCase: Sendable, CustomTestStringConvertible {
  let type: ElementType
  let layout: PackedLayout
  let zero: UInt8?
  /// Bytes before the F16 numbers of a block.
  let halves: [Int]

  /// Of 3 rows with an odd number of blocks.
  init(
    _ type: ElementType, _ bits: Int, _ group: Int, _ offset: PackedLayout.Offset,
    zero: UInt8? = nil, groupsPerScale: Int = 1, halves: [Int]
  ) {
    self.type = type
    layout = PackedLayout(
      rows: 3, columns: 5 * type.blockSize, bits: bits, groupSize: group, offset: offset,
      groupsPerScale: groupsPerScale)
    (self.zero, self.halves) = (zero, halves)
  }

  var testDescription: String { type.name }
  var rowBytes: Int { 5 * type.blockBytes }

  static let all = [
    BlockCase(.q4_0, 4, 32, .zeros, zero: 8, halves: [0]),
    BlockCase(.q4_1, 4, 32, .minima, halves: [0, 2]),
    BlockCase(.q5_0, 5, 32, .zeros, zero: 16, halves: [0]),
    BlockCase(.q5_1, 5, 32, .minima, halves: [0, 2]),
    BlockCase(.q8_0, 8, 32, .zeros, zero: 128, halves: [0]),
    BlockCase(.iq4_NL, 8, 32, .zeros, zero: 128, halves: [0]),
    BlockCase(.q2_K, 2, 16, .minima, groupsPerScale: 16, halves: [80, 82]),
    BlockCase(.q3_K, 3, 16, .centre, groupsPerScale: 16, halves: [108]),
    BlockCase(.q4_K, 4, 32, .minima, groupsPerScale: 8, halves: [0, 2]),
    BlockCase(.q5_K, 5, 32, .minima, groupsPerScale: 8, halves: [0, 2]),
    BlockCase(.q6_K, 6, 16, .centre, groupsPerScale: 16, halves: [208]),
    BlockCase(.iq4_XS, 8, 32, .centre, groupsPerScale: 8, halves: [0]),
  ]

  /// Blocks of `count` rows, of any bits.
  func randomBytes(rows count: Int) -> [UInt8] {
    var random = SplitMix64(seed: 20_260_101)
    var bytes = [UInt8](repeating: 0, count: count * rowBytes)
    bytes.withUnsafeMutableBytes { random.fill($0) }
    return bytes
  }

  /// The same with scales and minima that are numbers: the first block has zeros, the second
  /// negative zeros, the third the least and the fourth the largest ones.
  func finiteBytes(rows count: Int) -> [UInt8] {
    var bytes = randomBytes(rows: count)
    var random = SplitMix64(seed: 7)
    let first: [UInt16] = [0, 0x8000, 0x8001, 0x7BFF]
    for (block, start) in stride(from: 0, to: bytes.count, by: type.blockBytes).enumerated() {
      for half in halves {
        let any = UInt16.random(in: 0..<0x7C00, using: &random) | UInt16(block % 2) << 15
        let bits = block < first.count ? first[block] : any
        bytes[start + half] = UInt8(bits & 0xFF)
        bytes[start + half + 1] = UInt8(bits >> 8)
      }
    }
    return bytes
  }

  func unpack(_ bytes: [UInt8], storedRows: [Int] = [0, 1, 2]) -> CodedRows {
    bytes.withUnsafeBytes { bytes in
      storedRows.withUnsafeBufferPointer {
        GGMLBlocks.unpack(bytes, as: type, columns: layout.columns, storedRows: $0)
      }
    }
  }
}

@Suite struct GGMLBlocksTests {
  @Test(arguments: BlockCase.all) func layouts(_ item: BlockCase) {
    let (type, layout) = (item.type, item.layout)
    #expect(GGMLBlocks.layout(type, rows: 3, columns: layout.columns) == layout)
    #expect(GGMLBlocks.layout(type, rows: 3, columns: layout.columns + 16) == nil)
    // A block's bits are those of its numbers, but for IQ4's codes: 16 of 256 values, 4 bits.
    let isTable = type == .iq4_NL || type == .iq4_XS
    let codeBits = isTable ? 4 : layout.bits
    let groupBits: [ElementType: Int] = [
      .q2_K: 4 + 4, .q3_K: 6, .q4_K: 6 + 6, .q5_K: 6 + 6, .q6_K: 8, .iq4_XS: 6,
    ]
    let groups = type.blockSize / layout.groupSize
    let bits =
      type.blockSize * codeBits + item.halves.count * 16 + groups * (groupBits[type] ?? 0)
    #expect(bits == type.blockBytes * 8)
  }

  @Test func otherTypesHaveNone() {
    for type in ElementType.allCases where !BlockCase.all.contains(where: { $0.type == type }) {
      #expect(GGMLBlocks.layout(type, rows: 1, columns: 256) == nil)
    }
  }

  @Test(arguments: BlockCase.all) func roundTrip(_ item: BlockCase) throws {
    let bytes = item.randomBytes(rows: 3)
    let rows = item.unpack(bytes)
    #expect(rows.layout == item.layout)
    #expect(try GGMLBlocks.pack(rows, as: item.type) == bytes)
    if let zero = item.zero { #expect(rows.zeros.allSatisfy { $0 == zero }) }
  }

  /// Each bit alone, so that none is made up from others.
  @Test(arguments: BlockCase.all) func everyBit(_ item: BlockCase) throws {
    for bit in 0..<item.type.blockBytes * 8 {
      var bytes = [UInt8](repeating: 0, count: item.rowBytes)
      bytes[2 * item.type.blockBytes + bit / 8] = 1 << UInt8(bit % 8)
      let back = try GGMLBlocks.pack(item.unpack(bytes, storedRows: [0]), as: item.type)
      guard back == bytes else {
        Issue.record("bit \(bit) of \(item.type.name) does not come back")
        return
      }
    }
  }

  /// The weights of `PackedLayout`'s formulas are those of GGML.
  ///
  /// GGML rounds to Float once. Where there are minima, a product of scale, block scale and code
  /// has at most 11 + 6 + 5 bits and is exact; then the sum rounds. Elsewhere there is no sum, and
  /// only Q6_K's product, of 11 + 8 + 6 bits, can round. So the error is at most 2^-24 of
  /// |s b q| + |m c|, and 1/256 of that is more than enough for the 2^-53 of Double.
  @Test(arguments: BlockCase.all) func weights(_ item: BlockCase) throws {
    let bytes = item.finiteBytes(rows: 3)
    let rows = item.unpack(bytes)
    var expected = [Float](repeating: .nan, count: 3 * item.layout.columns)
    try bytes.withUnsafeBytes { bytes in
      try expected.withUnsafeMutableBufferPointer { try item.type.dequantize(bytes, into: $0) }
    }
    var nonzero = 0
    for row in 0..<3 {
      for column in 0..<item.layout.columns {
        let (product, minimum) = terms(rows, row, column)
        let weight = expected[row * item.layout.columns + column]
        let bound = 0x1.01p-24 * (abs(product) + abs(minimum))
        guard abs(product + minimum - Double(weight)) <= bound else {
          Issue.record(
            "\(item.type.name) [\(row), \(column)]: \(product) + \(minimum), expected \(weight)")
          return
        }
        if weight != 0 { nonzero += 1 }
      }
    }
    // 2 of 15 blocks have scales of zero; of the others, at most a quarter of the codes means 0.
    #expect(nonzero > expected.count / 2)
  }

  @Test(arguments: BlockCase.all) func storedRowsInAnyOrder(_ item: BlockCase) throws {
    let bytes = item.randomBytes(rows: 6)
    let rows = item.unpack(bytes, storedRows: [4, 0, 5])
    let expected = [4, 0, 5].flatMap { bytes[$0 * item.rowBytes..<($0 + 1) * item.rowBytes] }
    #expect(try GGMLBlocks.pack(rows, as: item.type) == expected)
  }

  /// One row among others, at an odd address, over what was there.
  @Test(arguments: BlockCase.all) func oneRow(_ item: BlockCase) throws {
    let (bytes, other) = (item.randomBytes(rows: 4), item.finiteBytes(rows: 4))
    var rows = item.unpack(other)
    let line = Array(bytes[item.rowBytes..<2 * item.rowBytes])
    ([0] + line).withUnsafeBytes {
      GGMLBlocks.unpack(
        UnsafeRawBufferPointer(rebasing: $0[1...]), as: item.type, into: &rows, row: 1)
    }
    let expected = other[..<item.rowBytes] + line + other[(2 * item.rowBytes)..<(3 * item.rowBytes)]
    #expect(try GGMLBlocks.pack(rows, as: item.type) == Array(expected))
    var packed = [UInt8](repeating: 0xFF, count: item.rowBytes + 2)
    try packed.withUnsafeMutableBytes {
      let middle = UnsafeMutableRawBufferPointer(rebasing: $0[1...item.rowBytes])
      try GGMLBlocks.pack(row: 1, of: rows, as: item.type, into: middle)
    }
    #expect(packed == [0xFF] + line + [0xFF])
  }

  @Test(arguments: BlockCase.all) func paddingIsZero(_ item: BlockCase) {
    var rows = CodedRows(layout: item.layout)
    for index in rows.codes.indices { rows.codes[index] = 0xFF }
    item.randomBytes(rows: 1).withUnsafeBytes {
      GGMLBlocks.unpack($0, as: item.type, into: &rows, row: 1)
    }
    let stride = item.layout.rowStride
    let used = item.layout.columns * item.layout.bits / 8
    #expect(rows.codes[(stride + used)..<(2 * stride)].allSatisfy { $0 == 0 })
    #expect(rows.codes[..<stride].allSatisfy { $0 == 0xFF })
    #expect(rows.codes[(2 * stride)...].allSatisfy { $0 == 0xFF })
  }

  private func terms(_ rows: CodedRows, _ row: Int, _ column: Int) -> (Double, Double) {
    let layout = rows.layout
    let group = row * layout.groups + column / layout.groupSize
    let part = row * layout.scalesPerRow + column / layout.groupSize / layout.groupsPerScale
    func half(_ bytes: [UInt8]) -> Double {
      Double(Float16(bitPattern: UInt16(bytes[2 * part]) | UInt16(bytes[2 * part + 1]) << 8))
    }
    var code = 0
    for bit in 0..<layout.bits {
      let place = column * layout.bits + bit
      let byte = rows.codes[row * layout.rowStride + place / 8]
      code += Int(byte >> UInt8(place % 8) & 1) << bit
    }
    var (scale, minimum) = (half(rows.scales), 0.0)
    if layout.offset == .minima { minimum = half(rows.minima) }
    if layout.offset == .zeros { code -= Int(rows.zeros[group]) }
    if layout.offset == .centre { code -= 1 << (layout.bits - 1) }
    if layout.groupsPerScale > 1 {
      scale *= Double(rows.blockScales[group])
      if layout.offset == .minima { minimum *= -Double(rows.blockMinima[group]) }
    }
    return (scale * Double(code), minimum)
  }
}

/// Numbers that a base can have and blocks cannot.
@Suite struct GGMLBlockRangeTests {
  private func refusal(
    _ type: ElementType, _ change: (inout CodedRows) -> Void
  ) throws -> BlockRangeError? {
    let item = try #require(BlockCase.all.first { $0.type == type })
    var rows = item.unpack(item.randomBytes(rows: 3))
    change(&rows)
    do throws(BlockRangeError) {
      _ = try GGMLBlocks.pack(rows, as: type)
      return nil
    } catch { return error }
  }

  /// All codes: 16 are stored, 240 are not.
  @Test(arguments: [ElementType.iq4_NL, .iq4_XS]) func codes(type: ElementType) throws {
    let values = Set(ElementType.iq4Values.map { Int($0) + 128 })
    #expect(values.count == 16)
    for code in 0..<256 {
      // The last code of row 1.
      let refused = try refusal(type) {
        $0.codes[$0.layout.rowStride + $0.layout.columns - 1] = UInt8(code)
      }
      #expect(
        refused == (values.contains(code) ? nil : BlockRangeError(type: type, row: 1, part: .code)))
    }
  }

  @Test(
    arguments: [
      (.q2_K, 0...15), (.q3_K, -32...31), (.q4_K, 0...63), (.q5_K, 0...63), (.q6_K, -128...127),
      (.iq4_XS, -32...31),
    ] as [(ElementType, ClosedRange<Int8>)])
  func blockScales(type: ElementType, range: ClosedRange<Int8>) throws {
    for scale in Int8.min...Int8.max {
      let refused = try refusal(type) { $0.blockScales[$0.layout.groups + 3] = scale }
      let error = BlockRangeError(type: type, row: 1, part: .blockScale)
      #expect(refused == (range.contains(scale) ? nil : error))
    }
  }

  @Test(arguments: [(.q2_K, 15), (.q4_K, 63), (.q5_K, 63)] as [(ElementType, UInt8)])
  func blockMinima(type: ElementType, largest: UInt8) throws {
    for minimum in UInt8.min...UInt8.max {
      let refused = try refusal(type) { $0.blockMinima[$0.layout.groups - 1] = minimum }
      let error = BlockRangeError(type: type, row: 0, part: .blockScale)
      #expect(refused == (minimum <= largest ? nil : error))
    }
  }

  @Test(arguments: [ElementType.q4_0, .q5_0, .q8_0, .iq4_NL]) func zeroPoints(type: ElementType)
    throws
  {
    let refused = try refusal(type) { $0.zeros[$0.zeros.count - 1] += 1 }
    #expect(refused == BlockRangeError(type: type, row: 2, part: .zeroPoint))
    #expect(refused?.description.contains(type.name) == true)
  }
}
