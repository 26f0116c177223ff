internal import CKernels

/// A weight matrix W [rows O, columns I] where it lies, usually in a mapped file; owns nothing.
///
/// Whoever makes one keeps the memory alive.
package struct WeightMatrix: @unchecked Sendable {
  var raw: peqa_matrix

  package var rows: Int { Int(raw.rows) }
  package var columns: Int { Int(raw.columns) }
  /// Scales a row; 1 for dense matrices.
  package var groups: Int { raw.storage == PEQA_CODES ? Int(raw.groups) : 1 }
  /// Bytes that a product reads: codes, scales and zero points, or dense numbers.
  package var byteCount: Int {
    let groupBytes = isQuantized ? 2 + (raw.zeros_u8 != nil ? 1 : 2) : 0
    return rows * (raw.row_stride + groups * groupBytes)
  }
  package var isQuantized: Bool { raw.storage == PEQA_CODES }

  package enum ZeroPoints {
    /// Integers [O, G].
    case integers(UnsafePointer<UInt8>)
    /// fp16 bits [O, G]: real zero points, of codes kept from a Q4_1 file.
    case reals(UnsafePointer<UInt16>)
  }

  package enum DenseType: Sendable {
    case f32, f16, bf16
  }

  /// Packed codes as `PackedLayout` lays them; `scales` are fp16 bits [O, G].
  package init(
    codes: UnsafeRawPointer, rows: Int, columns: Int, bits: Int, groupSize: Int, rowStride: Int,
    scales: UnsafePointer<UInt16>, zeros: ZeroPoints
  ) {
    let groups = (columns + groupSize - 1) / groupSize
    precondition(
      groups == 1 || (groupSize % 32 == 0 && Int(PEQA_DEPTH) % groupSize == 0),
      "a group is a whole row or 32, 64, 128 or 256 columns")
    raw = peqa_matrix(
      storage: PEQA_CODES, rows: Int32(rows), columns: Int32(columns), data: codes,
      row_stride: rowStride, bits: Int32(bits), group_size: Int32(groupSize),
      groups: Int32(groups), scales: scales, gains: nil, zeros_u8: nil, zeros_f16: nil)
    switch zeros {
    case .integers(let pointer): raw.zeros_u8 = pointer
    case .reals(let pointer): raw.zeros_f16 = pointer
    }
  }

  /// A dense row-major matrix.
  package init(dense: UnsafeRawPointer, type: DenseType, rows: Int, columns: Int) {
    let (storage, size) =
      switch type {
      case .f32: (PEQA_F32, 4)
      case .f16: (PEQA_F16, 2)
      case .bf16: (PEQA_BF16, 2)
      }
    raw = peqa_matrix(
      storage: storage, rows: Int32(rows), columns: Int32(columns), data: dense,
      row_stride: columns * size, bits: 0, group_size: Int32(columns), groups: 1,
      scales: nil, gains: nil, zeros_u8: nil, zeros_f16: nil)
  }

  /// The scales that products use: fp16 bits [O, G], each times the gain of its row and rounded to
  /// fp16 again where there are gains [O].
  package mutating func setScales(
    _ scales: UnsafePointer<UInt16>, gains: UnsafePointer<Float>? = nil
  ) {
    raw.scales = scales
    raw.gains = gains
  }

  package func effectiveScale(row: Int, group: Int) -> Float {
    withUnsafePointer(to: raw) { peqa_effective_scale($0, Int32(row), Int32(group)) }
  }
}
