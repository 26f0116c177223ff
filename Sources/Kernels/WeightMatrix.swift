internal import CKernels

/// A weight matrix W [rows O, columns I] where it lies, usually in a mapped file; owns nothing.
///
/// Whoever makes one keeps the memory alive.
package struct WeightMatrix: @unchecked Sendable {
  var raw: peqa_matrix
  /// Which column of the input each column of the matrix takes, [I]; nil: the same.
  package let order: UnsafePointer<Int32>?
  /// Its codes are never multiplied as integers: so it is with output matrices.
  package var staysFloating = false

  package var rows: Int { Int(raw.rows) }
  package var columns: Int { Int(raw.columns) }
  /// Groups of columns with a grid of their own; 1 for dense matrices.
  package var groups: Int { raw.storage == PEQA_CODES ? Int(raw.groups) : 1 }
  /// Scales of a row: as many as groups, or as super-blocks.
  package var scalesPerRow: Int { Int(raw.scales_per_row) }
  package var groupsPerScale: Int { Int(raw.groups_per_scale) }
  package var scaleType: FloatType { FloatType(raw.scale_type) }
  /// Bytes that a product reads: codes, scales and what else their grid has, or dense numbers.
  package var byteCount: Int {
    guard isQuantized else { return rows * raw.row_stride }
    let number = raw.scale_type == PEQA_F32 ? 4 : 2
    let scales = Int(raw.scales_per_row) * number * (raw.minima == nil ? 1 : 2)
    let perGroup =
      (raw.zeros_u8 == nil ? 0 : 1) + (raw.zeros_f16 == nil ? 0 : 2)
      + (raw.block_scales == nil ? 0 : 1) + (raw.block_minima == nil ? 0 : 1)
    return rows * (raw.row_stride + scales + groups * perGroup)
  }
  package var isQuantized: Bool { raw.storage == PEQA_CODES }

  /// What takes a code's place to zero, as `PackedLayout.Offset` has it.
  package enum Offset {
    /// Integers [O, G].
    case zeros(UnsafePointer<UInt8>)
    /// fp16 bits [O, G].
    case realZeros(UnsafePointer<UInt16>)
    /// Numbers of the type of the scales, as many.
    case minima(UnsafeRawPointer)
    /// 2^(bits-1).
    case centre
  }

  /// Scales of super-blocks, and the integers [O, G] that their groups have beside them.
  package struct SuperBlocks {
    let groupsPerScale: Int
    let scales: UnsafePointer<Int8>
    let minima: UnsafePointer<UInt8>?

    package init(
      groupsPerScale: Int, scales: UnsafePointer<Int8>, minima: UnsafePointer<UInt8>? = nil
    ) {
      (self.groupsPerScale, self.scales, self.minima) = (groupsPerScale, scales, minima)
    }
  }

  /// Packed codes as `PackedLayout` lays them; `scales` are numbers [O, G], or [O, super-blocks].
  /// Column i of the matrix is column `order[i]` of its input, where there is an order.
  package init(
    codes: UnsafeRawPointer, rows: Int, columns: Int, bits: Int, groupSize: Int, rowStride: Int,
    scales: UnsafeRawPointer, scaleType: FloatType = .f16, offset: Offset,
    superBlocks: SuperBlocks? = nil, order: UnsafePointer<Int32>? = nil
  ) {
    let groups = (columns + groupSize - 1) / groupSize
    precondition(
      groups == 1
        || (groupSize >= Int(PEQA_LEAST_GROUP) && groupSize % 16 == 0
          && Int(PEQA_DEPTH) % groupSize == 0),
      "a group is a whole row or 16, 32, .. 1024 columns")
    let perScale = superBlocks?.groupsPerScale ?? 1
    raw = peqa_matrix(
      storage: PEQA_CODES, rows: Int32(rows), columns: Int32(columns), data: codes,
      row_stride: rowStride, bits: Int32(bits), group_size: Int32(groupSize),
      groups: Int32(groups), scale_type: scaleType.storage, groups_per_scale: Int32(perScale),
      scales_per_row: Int32((groups + perScale - 1) / perScale), scales: scales, gains: nil,
      zeros_u8: nil, zeros_f16: nil, minima: nil, block_scales: superBlocks?.scales,
      block_minima: superBlocks?.minima)
    switch offset {
    case .zeros(let pointer): raw.zeros_u8 = pointer
    case .realZeros(let pointer): raw.zeros_f16 = pointer
    case .minima(let pointer): raw.minima = pointer
    case .centre: break
    }
    self.order = order
  }

  /// A dense row-major matrix.
  package init(dense: UnsafeRawPointer, type: FloatType, rows: Int, columns: Int) {
    raw = peqa_matrix(
      storage: type.storage, rows: Int32(rows), columns: Int32(columns), data: dense,
      row_stride: columns * type.byteCount, bits: 0, group_size: Int32(columns), groups: 1,
      scale_type: PEQA_F16, groups_per_scale: 1, scales_per_row: 1, scales: nil, gains: nil,
      zeros_u8: nil, zeros_f16: nil, minima: nil, block_scales: nil, block_minima: nil)
    order = nil
  }

  /// The scales that products use, and the minima where there are any: numbers of the matrix's
  /// type, each times the gain of its row and rounded to that type again where there are gains [O].
  package mutating func setScales(
    _ scales: UnsafeRawPointer, minima: UnsafeRawPointer? = nil,
    gains: UnsafePointer<Float>? = nil
  ) {
    precondition((raw.minima == nil) == (minima == nil), "minima go with scales")
    raw.scales = scales
    raw.minima = minima
    raw.gains = gains
  }

  /// The zero points that products use; of a matrix with minima or a fixed zero point nothing.
  package mutating func setZeros(_ offset: Offset) {
    switch offset {
    case .zeros(let pointer): (raw.zeros_u8, raw.zeros_f16) = (pointer, nil)
    case .realZeros(let pointer): (raw.zeros_u8, raw.zeros_f16) = (nil, pointer)
    case .minima, .centre: break
    }
  }

  package func effectiveScale(row: Int, group: Int) -> Float {
    withUnsafePointer(to: raw) { peqa_effective_scale($0, Int32(row), Int32(group)) }
  }
}
