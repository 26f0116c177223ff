internal import Checkpoints
internal import Quantization

/// Where the numbers of a block stand.
///
/// Sources: ggml-common.h (structs), ggml-quants.c (dequantize_row_*).
struct BlockFormat {
  let blockBytes: Int
  let groupSize: Int
  let offset: PackedLayout.Offset
  let codes: any BlockCoding.Type
  /// Bytes before d.
  let scale: Int
  /// Bytes before m or dmin, where there are minima.
  let minimum: Int?
  /// The zero point of all groups, where there are zeros.
  let zero: UInt8
  let subScales: SubScales?

  /// Nil for types without codes.
  init?(_ type: ElementType) {
    switch type {
    case .q4_0: self.init(type, 32, .zeros, Q4_0Codes.self, scale: 0, zero: 8)
    case .q4_1: self.init(type, 32, .minima, Q4_1Codes.self, scale: 0, minimum: 2)
    case .q5_0: self.init(type, 32, .zeros, Q5_0Codes.self, scale: 0, zero: 16)
    case .q5_1: self.init(type, 32, .minima, Q5_1Codes.self, scale: 0, minimum: 2)
    case .q8_0: self.init(type, 32, .zeros, Q8_0Codes.self, scale: 0, zero: 128)
    case .iq4_NL: self.init(type, 32, .zeros, IQ4_NLCodes.self, scale: 0, zero: 128)
    case .q2_K:
      self.init(
        type, 16, .minima, Q2_KCodes.self, scale: 80, minimum: 82, sub: .nibblePairs(at: 0))
    case .q3_K:
      self.init(type, 16, .centre, Q3_KCodes.self, scale: 108, sub: .sixteenOfSixBits(at: 96))
    case .q4_K, .q5_K:
      self.init(
        type, 32, .minima, type == .q4_K ? Q4_KCodes.self : Q5_KCodes.self, scale: 0, minimum: 2,
        sub: .twiceEightOfSixBits(at: 4))
    case .q6_K:
      self.init(type, 16, .centre, Q6_KCodes.self, scale: 208, sub: .sixteenBytes(at: 192))
    case .iq4_XS:
      self.init(
        type, 32, .centre, IQ4_XSCodes.self, scale: 0, sub: .eightOfSixBits(upper: 2, lower: 4))
    default: return nil
    }
  }

  private init(
    _ type: ElementType, _ groupSize: Int, _ offset: PackedLayout.Offset,
    _ codes: any BlockCoding.Type, scale: Int, minimum: Int? = nil, zero: UInt8 = 0,
    sub: SubScales? = nil
  ) {
    (blockBytes, self.groupSize, self.offset) = (type.blockBytes, groupSize, offset)
    (self.codes, self.scale, self.minimum) = (codes, scale, minimum)
    (self.zero, subScales) = (zero, sub)
  }
}

// The numbers of one row: each kind in a loop of its own over the `count` blocks.
extension BlockFormat {
  func unpack(
    _ source: UnsafeRawPointer, count: Int, into rows: inout CodedRows, row: Int
  ) {
    let layout = rows.layout
    rows.codes.withUnsafeMutableBytes {
      guard let target = $0.baseAddress.map({ $0 + row * layout.rowStride }) else { return }
      codes.unpack(source, count: count, into: target)
      layout.clearPadding(of: target)
    }
    rows.scales.withUnsafeMutableBytes { copyHalves(source + scale, count, to: $0, row) }
    if let minimum {
      rows.minima.withUnsafeMutableBytes { copyHalves(source + minimum, count, to: $0, row) }
    }
    if offset == .zeros {
      rows.zeros.withUnsafeMutableBufferPointer {
        $0[row * count..<(row + 1) * count].update(repeating: zero)
      }
    }
    guard let subScales else { return }
    rows.blockScales.withUnsafeMutableBytes { scales in
      rows.blockMinima.withUnsafeMutableBytes { minima in
        subScales.unpack(
          source, count: count, stride: blockBytes,
          scales: scales.baseAddress.map { $0 + row * layout.groups },
          minima: minimum == nil ? nil : minima.baseAddress.map { $0 + row * layout.groups })
      }
    }
  }

  /// Into zero bytes; what could not be stored, or nil.
  func pack(
    _ rows: CodedRows, row: Int, count: Int, into target: UnsafeMutableRawPointer
  ) -> BlockRangeError.Part? {
    let layout = rows.layout
    let hasCodes = rows.codes.withUnsafeBytes {
      guard let source = $0.baseAddress.map({ $0 + row * layout.rowStride }) else { return true }
      return codes.pack(source, count: count, into: target)
    }
    guard hasCodes else { return .code }
    rows.scales.withUnsafeBytes { copyHalves(of: $0, row, count, to: target + scale) }
    if let minimum {
      rows.minima.withUnsafeBytes { copyHalves(of: $0, row, count, to: target + minimum) }
    }
    let zeros = rows.zeros.dropFirst(row * count).prefix(count)
    guard zeros.allSatisfy({ $0 == zero }) else { return .zeroPoint }
    guard let subScales else { return nil }
    let hasScales = rows.blockScales.withUnsafeBytes { scales in
      rows.blockMinima.withUnsafeBytes { minima in
        subScales.pack(
          scales: scales.baseAddress.map { $0 + row * layout.groups },
          minima: minimum == nil ? nil : minima.baseAddress.map { $0 + row * layout.groups },
          count: count, stride: blockBytes, into: target)
      }
    }
    return hasScales ? nil : .blockScale
  }

  /// One half of each block.
  private func copyHalves(
    _ source: UnsafeRawPointer, _ count: Int, to rows: UnsafeMutableRawBufferPointer, _ row: Int
  ) {
    for block in 0..<count {
      rows.storeBytes(
        of: source.loadUnaligned(fromByteOffset: block &* blockBytes, as: UInt16.self),
        toByteOffset: (row &* count &+ block) &* 2, as: UInt16.self)
    }
  }

  private func copyHalves(
    of rows: UnsafeRawBufferPointer, _ row: Int, _ count: Int, to target: UnsafeMutableRawPointer
  ) {
    for block in 0..<count {
      target.storeBytes(
        of: rows.loadUnaligned(fromByteOffset: (row &* count &+ block) &* 2, as: UInt16.self),
        toByteOffset: block &* blockBytes, as: UInt16.self)
    }
  }
}
