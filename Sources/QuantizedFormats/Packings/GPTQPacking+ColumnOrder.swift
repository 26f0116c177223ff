package import Quantization

/// What is wrong with the groups of the inputs (g_idx) of a GPTQ layer.
package enum GroupIndexError: Error, Equatable, CustomStringConvertible {
  case outOfRange(column: Int, group: Int, groups: Int)
  /// `columns` is how many the group has.
  case wrongCount(group: Int, columns: Int, expected: Int)

  package var description: String {
    switch self {
    case .outOfRange(let column, let group, let groups):
      "g_idx puts column \(column) into group \(group), but there are groups 0 to \(groups - 1)"
    case .wrongCount(let group, let columns, let expected):
      "g_idx puts \(columns) columns into group \(group), which takes \(expected)"
    }
  }
}

/// Files made with desc_act (act-order) have groups whose columns do not follow each other.
extension GPTQPacking {
  /// The order of columns that puts the columns of every group together, nil where they are.
  ///
  /// Position j of our rows holds the file's column `order[j]`; within a group columns keep their
  /// order. `gIdx` [I] is the group of each column; `groupSize` -1 means one group.
  package static func columnOrder(
    _ gIdx: [Int32], groupSize: Int
  ) throws(GroupIndexError) -> [Int]? {
    precondition(groupSize == -1 || groupSize > 0, "group size is -1 or positive")
    let (columns, size) = (gIdx.count, groupSize == -1 ? max(1, gIdx.count) : groupSize)
    let groups = (columns + size - 1) / size
    var counts = [Int](repeating: 0, count: groups)
    for (column, group) in gIdx.enumerated() {
      guard group >= 0, group < groups else {
        throw .outOfRange(column: column, group: Int(group), groups: groups)
      }
      counts[Int(group)] += 1
    }
    for (group, count) in counts.enumerated() {
      let expected = min(size, columns - group * size)
      guard count == expected else {
        throw .wrongCount(group: group, columns: count, expected: expected)
      }
    }
    if gIdx.enumerated().allSatisfy({ Int($1) == $0 / size }) { return nil }
    return order(gIdx, groupSize: size)
  }

  /// Every group has its number of columns, so that group g begins at g * groupSize.
  private static func order(_ gIdx: [Int32], groupSize: Int) -> [Int] {
    var next = Array(stride(from: 0, to: gIdx.count, by: groupSize))
    var order = [Int](repeating: 0, count: gIdx.count)
    for (column, group) in gIdx.enumerated() {
      order[next[Int(group)]] = column
      next[Int(group)] += 1
    }
    return order
  }

  /// Gives packed rows [layout.rows, rowStride] our order, in place: code j becomes code
  /// `order[j]` of before.
  package static func permuteColumns(
    of codes: UnsafeMutableRawBufferPointer, layout: PackedLayout,
    order: UnsafeBufferPointer<Int>
  ) {
    eachRow(of: codes, layout, order) { old, new in
      for (position, column) in order.enumerated() { new[position] = old[column] }
    }
  }

  /// Gives packed rows the file's order back: the inverse of `permuteColumns`.
  package static func restoreColumns(
    of codes: UnsafeMutableRawBufferPointer, layout: PackedLayout,
    order: UnsafeBufferPointer<Int>
  ) {
    eachRow(of: codes, layout, order) { old, new in
      for (position, column) in order.enumerated() { new[column] = old[position] }
    }
  }

  @inline(__always)
  private static func eachRow(
    of codes: UnsafeMutableRawBufferPointer, _ layout: PackedLayout,
    _ order: UnsafeBufferPointer<Int>,
    _ move: (UnsafeMutableBufferPointer<UInt8>, UnsafeMutableBufferPointer<UInt8>) -> Void
  ) {
    let columns = layout.columns
    precondition(codes.count >= layout.byteCount, "the buffer of codes is too short")
    precondition(
      order.count == columns && order.allSatisfy { $0 >= 0 && $0 < columns },
      "an order of all columns")
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 2 * columns) { both in
      let old = UnsafeMutableBufferPointer(rebasing: both[..<columns])
      let new = UnsafeMutableBufferPointer(rebasing: both[columns...])
      new.initialize(repeating: 0)
      for row in 0..<layout.rows {
        let start = row * layout.rowStride
        let bytes = UnsafeMutableRawBufferPointer(rebasing: codes[start..<start + layout.rowStride])
        PackedCodes.unpack(UnsafeRawBufferPointer(bytes), bits: layout.bits, into: old)
        move(old, new)
        PackedCodes.pack(UnsafeBufferPointer(new), bits: layout.bits, into: bytes)
      }
    }
  }
}
