/// Moves columns of a foreign matrix [height, width] into rows of ours, and back.
///
/// Our row r is the foreign column `columns[r]`: element h of the row is (h, columns[r]) there. The
/// work goes by blocks of 4 rows and 16 elements, a cache line of a row, and by squares of 4 x 4 in
/// registers where the columns of a block follow each other, up to twice as fast as one by one.
/// No address needs to be aligned.
struct ColumnTransposition {
  let height: Int
  let width: Int
  /// Each in 0..<width.
  let columns: UnsafeBufferPointer<Int>
  /// Bytes from one of our rows to the next; those behind `height` elements are left alone.
  let rowStride: Int

  private static var blockRows: Int { 4 }
  private static var blockHeight: Int { 16 }

  init(height: Int, width: Int, columns: UnsafeBufferPointer<Int>, rowStride: Int) {
    precondition(columns.allSatisfy { $0 >= 0 && $0 < width }, "a row that the file does not have")
    (self.height, self.width, self.columns, self.rowStride) = (height, width, columns, rowStride)
  }

  /// Reads height * width elements of `foreign`, writes columns.count rows.
  func gather<Element: FixedWidthInteger & SIMDScalar & BitwiseCopyable>(
    _: Element.Type, from foreign: UnsafeRawPointer, into rows: UnsafeMutableRawPointer
  ) {
    let (size, lineStride) = (MemoryLayout<Element>.size, width * MemoryLayout<Element>.size)
    eachBlock { block in
      let lines = foreign + block.first * lineStride
      let target = rows + (block.row * rowStride + block.first * size)
      if let column = block.firstOfRun {
        for h in stride(from: 0, to: Self.blockHeight, by: 4) {
          Self.transposeSquare(
            Element.self, from: lines + (h * lineStride + column * size), stride: lineStride,
            into: target + h * size, stride: rowStride)
        }
        return
      }
      for r in 0..<block.rows {
        let (source, row) = (lines + columns[block.row + r] * size, target + r * rowStride)
        for h in 0..<block.height {
          let element = source.loadUnaligned(fromByteOffset: h &* lineStride, as: Element.self)
          row.storeBytes(of: element, toByteOffset: h &* size, as: Element.self)
        }
      }
    }
  }

  /// The inverse: reads columns.count rows, writes their elements of `foreign` and no others.
  func scatter<Element: FixedWidthInteger & SIMDScalar & BitwiseCopyable>(
    _: Element.Type, from rows: UnsafeRawPointer, into foreign: UnsafeMutableRawPointer
  ) {
    let (size, lineStride) = (MemoryLayout<Element>.size, width * MemoryLayout<Element>.size)
    eachBlock { block in
      let lines = foreign + block.first * lineStride
      let source = rows + (block.row * rowStride + block.first * size)
      if let column = block.firstOfRun {
        for h in stride(from: 0, to: Self.blockHeight, by: 4) {
          Self.transposeSquare(
            Element.self, from: source + h * size, stride: rowStride,
            into: lines + (h * lineStride + column * size), stride: lineStride)
        }
        return
      }
      for r in 0..<block.rows {
        let (row, target) = (source + r * rowStride, lines + columns[block.row + r] * size)
        for h in 0..<block.height {
          let element = row.loadUnaligned(fromByteOffset: h &* size, as: Element.self)
          target.storeBytes(of: element, toByteOffset: h &* lineStride, as: Element.self)
        }
      }
    }
  }

  /// Some of our rows and some of their elements.
  private struct Block {
    let row: Int
    let rows: Int
    let first: Int
    let height: Int
    /// The first column, where the block is whole and its columns follow each other.
    let firstOfRun: Int?
  }

  @inline(__always)
  private func eachBlock(_ move: (Block) -> Void) {
    for first in stride(from: 0, to: height, by: Self.blockHeight) {
      let count = min(Self.blockHeight, height - first)
      for row in stride(from: 0, to: columns.count, by: Self.blockRows) {
        let rows = min(Self.blockRows, columns.count - row)
        let whole = rows == Self.blockRows && count == Self.blockHeight
        let column = columns[row]
        let runs = whole && (1..<rows).allSatisfy { columns[row + $0] == column + $0 }
        move(
          Block(row: row, rows: rows, first: first, height: count, firstOfRun: runs ? column : nil))
      }
    }
  }

  /// Transposes 4 x 4 elements; a stride is the bytes from one line of four to the next.
  @inline(__always)
  private static func transposeSquare<Element: FixedWidthInteger & SIMDScalar & BitwiseCopyable>(
    _: Element.Type, from source: UnsafeRawPointer, stride sourceStride: Int,
    into target: UnsafeMutableRawPointer, stride targetStride: Int
  ) {
    func line(_ index: Int) -> SIMD4<Element> {
      source.loadUnaligned(fromByteOffset: index &* sourceStride, as: SIMD4<Element>.self)
    }
    let upper = SIMD8(lowHalf: line(0), highHalf: line(1))
    let lower = SIMD8(lowHalf: line(2), highHalf: line(3))
    let even = SIMD8(lowHalf: upper.evenHalf, highHalf: lower.evenHalf)
    let odd = SIMD8(lowHalf: upper.oddHalf, highHalf: lower.oddHalf)
    target.storeBytes(of: even.evenHalf, as: SIMD4<Element>.self)
    target.storeBytes(of: odd.evenHalf, toByteOffset: targetStride, as: SIMD4<Element>.self)
    target.storeBytes(of: even.oddHalf, toByteOffset: 2 &* targetStride, as: SIMD4<Element>.self)
    target.storeBytes(of: odd.oddHalf, toByteOffset: 3 &* targetStride, as: SIMD4<Element>.self)
  }
}
