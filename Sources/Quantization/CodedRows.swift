internal import Kernels

/// Consecutive rows of a quantized matrix, each number as it lies in a base.
///
/// What the layout does not have is empty.
package struct CodedRows: Sendable, Equatable {
  /// Of these rows: `layout.rows` is their number.
  package private(set) var layout: PackedLayout
  /// Packed codes [rows, rowStride].
  package var codes: [UInt8]
  /// Numbers of `layout.scaleType` [rows, scalesPerRow], as bytes.
  package var scales: [UInt8]
  /// Integers [rows, G], or F16 as bytes where they are real.
  package var zeros: [UInt8]
  /// As `scales`.
  package var minima: [UInt8]
  /// [rows, G], of super-blocks.
  package var blockScales: [Int8]
  /// [rows, G], of super-blocks with minima.
  package var blockMinima: [UInt8]

  /// All numbers 0.
  package init(layout: PackedLayout) {
    self.layout = layout
    let (groups, isSuper) = (layout.rows * layout.groups, layout.groupsPerScale > 1)
    let scaleBytes = layout.rows * layout.scalesPerRow * layout.scaleType.byteCount
    func bytes(_ count: Int, where present: Bool) -> [UInt8] {
      [UInt8](repeating: 0, count: present ? count : 0)
    }
    codes = bytes(layout.byteCount, where: true)
    scales = bytes(scaleBytes, where: true)
    zeros =
      switch layout.offset {
      case .zeros: bytes(groups, where: true)
      case .realZeros: bytes(groups * 2, where: true)
      case .minima, .centre: []
      }
    minima = bytes(scaleBytes, where: layout.offset == .minima)
    blockScales = [Int8](repeating: 0, count: isSuper ? groups : 0)
    blockMinima = bytes(groups, where: isSuper && layout.offset == .minima)
  }
}

extension CodedRows {
  /// Puts other zero points in place of those that are there: F16 [rows, G], as bytes.
  package mutating func setRealZeros(_ bytes: [UInt8]) {
    precondition(layout.offset == .zeros || layout.offset == .realZeros, "rows with zero points")
    precondition(bytes.count == layout.rows * layout.groups * 2, "one for each group")
    layout = layout.withRealZeros
    zeros = bytes
  }

  /// Gives whole zero points the form of real ones, exactly; others stay.
  package mutating func makeZerosReal() {
    guard layout.offset == .zeros else { return }
    setRealZeros(
      zeros.flatMap { zero in
        withUnsafeBytes(of: Float16(zero).bitPattern.littleEndian) { Array($0) }
      })
  }
}

extension PackedLayout {
  /// The same layout with real zero points, where there are any.
  package var withRealZeros: PackedLayout {
    guard offset == .zeros else { return self }
    return PackedLayout(
      rows: rows, columns: columns, bits: bits, groupSize: groupSize, offset: .realZeros,
      scaleType: scaleType, groupsPerScale: groupsPerScale)
  }
}
