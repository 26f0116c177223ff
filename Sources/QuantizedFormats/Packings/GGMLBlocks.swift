package import Checkpoints
package import Quantization

/// The numbers of GGML's quantized blocks and ours, both ways and exact.
///
/// Every bit of a block is one of the numbers that `PackedLayout` has places for, so `pack` gives
/// back the bytes that `unpack` has read:
///
/// | types | bits, group | offset | scales |
/// |---|---|---|---|
/// | Q4_0, Q5_0, Q8_0 | 4, 5, 8; 32 | zeros 8, 16, 128 | d |
/// | Q4_1, Q5_1 | 4, 5; 32 | minima m | d |
/// | IQ4_NL | 8; 32 | zeros 128; code = value of the table + 128 | d |
/// | Q2_K | 2; 16 | minima dmin, of 4-bit block minima | d, of 16 4-bit block scales |
/// | Q3_K | 3; 16 | centre | d, of 16 block scales in -32...31 |
/// | Q4_K, Q5_K | 4, 5; 32 | minima dmin, of 6-bit block minima | d, of 8 6-bit block scales |
/// | Q6_K | 6; 16 | centre | d, of 16 signed bytes |
/// | IQ4_XS | 8; 32 | centre; codes as IQ4_NL's | d, of 8 block scales in -32...31 |
///
/// Scales are F16. Rows are whole blocks without gaps, in the file as well.
package enum GGMLBlocks {
  /// Nil for types without codes, and for columns that are no whole number of blocks.
  package static func layout(_ type: ElementType, rows: Int, columns: Int) -> PackedLayout? {
    guard let format = BlockFormat(type), columns > 0, columns % type.blockSize == 0 else {
      return nil
    }
    return PackedLayout(
      rows: rows, columns: columns, bits: format.codes.fields.bits, groupSize: format.groupSize,
      offset: format.offset,
      groupsPerScale: format.subScales == nil ? 1 : type.blockSize / format.groupSize)
  }

  /// Reads rows of the tensor `file`, whose rows have `columns` elements.
  ///
  /// Row r of the result is the file's row `storedRows[r]`. `type` has codes.
  package static func unpack(
    _ file: UnsafeRawBufferPointer, as type: ElementType, columns: Int,
    storedRows: UnsafeBufferPointer<Int>
  ) -> CodedRows {
    guard let layout = layout(type, rows: storedRows.count, columns: columns),
      let rowBytes = type.byteCount(elements: columns)
    else { preconditionFailure("\(type.name) has no codes, or no rows of \(columns)") }
    var rows = CodedRows(layout: layout)
    for (row, stored) in storedRows.enumerated() {
      precondition(
        stored >= 0 && stored < file.count / rowBytes, "a row that the file does not have")
      let start = stored * rowBytes
      let blocks = UnsafeRawBufferPointer(rebasing: file[start..<start + rowBytes])
      unpack(blocks, as: type, into: &rows, row: row)
    }
    return rows
  }

  /// Reads the blocks of one row into row `row` of `rows`, whose layout is that of `type`.
  package static func unpack(
    _ blocks: UnsafeRawBufferPointer, as type: ElementType, into rows: inout CodedRows, row: Int
  ) {
    let format = format(type, of: rows.layout, row: row, bytes: blocks.count)
    guard let source = blocks.baseAddress else { return }
    format.unpack(source, count: blocks.count / type.blockBytes, into: &rows, row: row)
  }

  /// The blocks of all rows, one row behind the other.
  package static func pack(
    _ rows: CodedRows, as type: ElementType
  ) throws(BlockRangeError) -> [UInt8] {
    let rowBytes = rows.layout.columns / type.blockSize * type.blockBytes
    var result = Result<Void, BlockRangeError>.success(())
    let bytes = [UInt8](unsafeUninitializedCapacity: rows.layout.rows * rowBytes) { buffer, count in
      do throws(BlockRangeError) {
        for row in 0..<rows.layout.rows {
          let part = buffer[row * rowBytes..<(row + 1) * rowBytes]
          try pack(
            row: row, of: rows, as: type, into: .init(UnsafeMutableBufferPointer(rebasing: part)))
        }
        count = rows.layout.rows * rowBytes
      } catch {
        result = .failure(error)
      }
    }
    try result.get()
    return bytes
  }

  /// Writes the blocks of one row. Throws where a number is none that `type` can have; `blocks` is
  /// then of no use.
  package static func pack(
    row: Int, of rows: CodedRows, as type: ElementType, into blocks: UnsafeMutableRawBufferPointer
  ) throws(BlockRangeError) {
    let format = format(type, of: rows.layout, row: row, bytes: blocks.count)
    guard let target = blocks.baseAddress else { return }
    blocks.initializeMemory(as: UInt8.self, repeating: 0)
    if let part = format.pack(rows, row: row, count: blocks.count / type.blockBytes, into: target) {
      throw BlockRangeError(type: type, row: row, part: part)
    }
  }

  private static func format(
    _ type: ElementType, of layout: PackedLayout, row: Int, bytes: Int
  ) -> BlockFormat {
    guard let format = BlockFormat(type),
      layout == Self.layout(type, rows: layout.rows, columns: layout.columns)
    else { preconditionFailure("the layout is not that of \(type.name)") }
    precondition(type.byteCount(elements: layout.columns) == bytes, "not the bytes of one row")
    precondition(row >= 0 && row < layout.rows, "a row that the layout does not have")
    return format
  }
}

/// Numbers that have a place in a layout, but not in the blocks that usually have it.
package struct BlockRangeError: Error, Equatable, CustomStringConvertible {
  package let type: ElementType
  /// Of the `CodedRows`.
  package let row: Int
  package let part: Part

  package enum Part: String, Sendable {
    case code
    /// Or a block minimum.
    case blockScale = "block scale"
    case zeroPoint = "zero point"
  }

  package init(type: ElementType, row: Int, part: Part) {
    (self.type, self.row, self.part) = (type, row, part)
  }

  package var description: String {
    "row \(row) has a \(part.rawValue) that \(type.name) cannot store. Choose another type."
  }
}
