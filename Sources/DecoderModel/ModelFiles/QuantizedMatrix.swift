package import Checkpoints
package import Kernels
package import Quantization

/// A quantized matrix where it lies in the base, which it keeps mapped.
package struct QuantizedMatrix: @unchecked Sendable {
  /// Without suffix, e.g. `model.layers.0.self_attn.q_proj`.
  package let name: String
  package let layout: PackedLayout
  /// [O, rowStride].
  package let codes: UnsafeRawBufferPointer
  /// Numbers of the layout's `scaleType`, [O, scalesPerRow].
  package let scales: UnsafeRawBufferPointer
  /// Integers [O, G], F16 [O, G], or minima as many as scales, as `layout.offset` says; empty where
  /// the zero point is the centre.
  package let offsets: UnsafeRawBufferPointer
  /// [O, G], signed bytes and bytes; empty without super-blocks, and where these have no minima.
  package let blockScales: UnsafeRawBufferPointer
  package let blockMinima: UnsafeRawBufferPointer
  /// Column i takes column `order[i]` of the input; nil: the same.
  package let order: UnsafeBufferPointer<Int32>?
  /// [O]; nil where the layer has none.
  package let bias: UnsafeBufferPointer<Float>?
  /// The pointers are valid while this lives.
  package let owner: MappedFile

  /// The matrix as kernels take it, with the scales of the base.
  package var matrix: WeightMatrix? {
    guard let codes = codes.baseAddress, let scales = scales.baseAddress, let offset else {
      return nil
    }
    var superBlocks: WeightMatrix.SuperBlocks?
    if layout.groupsPerScale > 1 {
      guard let block = blockScales.baseAddress else { return nil }
      superBlocks = WeightMatrix.SuperBlocks(
        groupsPerScale: layout.groupsPerScale, scales: block.assumingMemoryBound(to: Int8.self),
        minima: blockMinima.baseAddress?.assumingMemoryBound(to: UInt8.self))
    }
    return WeightMatrix(
      codes: codes, rows: layout.rows, columns: layout.columns, bits: layout.bits,
      groupSize: layout.groupSize, rowStride: layout.rowStride, scales: scales,
      scaleType: layout.scaleType, offset: offset, superBlocks: superBlocks,
      order: order?.baseAddress)
  }

  /// All its numbers, copied.
  package var rows: CodedRows {
    var rows = CodedRows(layout: layout)
    rows.codes = Array(codes)
    rows.scales = Array(scales)
    if layout.offset == .minima {
      rows.minima = Array(offsets)
    } else {
      rows.zeros = Array(offsets)
    }
    rows.blockScales = blockScales.map { Int8(bitPattern: $0) }
    rows.blockMinima = Array(blockMinima)
    return rows
  }

  /// Scales, and what goes with them, as the base ships them.
  package var shipped: ShippedScales? {
    guard let scales = scales.baseAddress, let offset else { return nil }
    return ShippedScales(
      scales: scales, minima: layout.offset == .minima ? offsets.baseAddress : nil,
      offset: offset, type: layout.scaleType)
  }

  private var offset: WeightMatrix.Offset? {
    guard layout.offset != .centre else { return .centre }
    guard let start = offsets.baseAddress else { return nil }
    return switch layout.offset {
    case .zeros: .zeros(start.assumingMemoryBound(to: UInt8.self))
    case .realZeros: .realZeros(start.assumingMemoryBound(to: UInt16.self))
    case .minima: .minima(start)
    case .centre: .centre
    }
  }
}

/// The scales of a matrix in its base, and the minima or zero points that go with them.
package struct ShippedScales: @unchecked Sendable {
  package let scales: UnsafeRawPointer
  package let minima: UnsafeRawPointer?
  package let offset: WeightMatrix.Offset
  package let type: FloatType

  package func scale(_ index: Int) -> Float { type.load(scales, index) }
  package func minimum(_ index: Int) -> Float? { minima.map { type.load($0, index) } }

  /// A zero point of [O, G], whole or real; nil where there are none.
  package func zero(_ index: Int) -> Float? {
    switch offset {
    case .zeros(let zeros): Float(zeros[index])
    case .realZeros(let zeros): FloatType.f16.load(zeros, index)
    case .minima, .centre: nil
    }
  }
}
