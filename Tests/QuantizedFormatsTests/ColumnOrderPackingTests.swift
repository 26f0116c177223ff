internal import Kernels
internal import Quantization
internal import QuantizedFormats
import Testing

@Suite struct ColumnOrderPackingTests {
  @Test(arguments: [(64, 16), (72, 16), (5, -1), (7, 1), (16, 32)])
  func groupsInPlaceNeedNoOrder(columns: Int, groupSize: Int) throws {
    let size = groupSize == -1 ? columns : groupSize
    let groups = (0..<columns).map { Int32($0 / size) }
    #expect(try GPTQPacking.columnOrder(groups, groupSize: groupSize) == nil)
  }

  @Test func columnsKeepTheirOrderWithinAGroup() throws {
    let order = try GPTQPacking.columnOrder([2, 1, 0, 1, 0, 0, 1], groupSize: 3)
    #expect(order == [2, 4, 5, 1, 3, 6, 0])
  }

  /// The whole groups of real files, the last of them partial: 576 columns in groups of 128.
  @Test(arguments: [(576, 128), (96, 32), (33, 2)])
  func ordersAnyArrangement(columns: Int, groupSize: Int) throws {
    var random = SplitMix64(seed: UInt64(columns))
    let groups = (0..<columns).map { Int32($0 / groupSize) }.shuffled(using: &random)
    let order = try #require(try GPTQPacking.columnOrder(groups, groupSize: groupSize))
    let expected = (0..<columns).sorted { (groups[$0], $0) < (groups[$1], $1) }
    #expect(order == expected)
  }

  @Test(arguments: [Int32(-1), 3, .max, .min])
  func namesTheColumnOfAGroupThatIsNot(group: Int32) {
    #expect(throws: GroupIndexError.outOfRange(column: 2, group: Int(group), groups: 3)) {
      try GPTQPacking.columnOrder([0, 0, group, 1, 2], groupSize: 2)
    }
  }

  @Test func namesTheGroupWithAWrongCount() {
    #expect(throws: GroupIndexError.wrongCount(group: 0, columns: 1, expected: 2)) {
      try GPTQPacking.columnOrder([0, 1, 1, 1, 2], groupSize: 2)
    }
    #expect(throws: GroupIndexError.wrongCount(group: 1, columns: 1, expected: 2)) {
      try GPTQPacking.columnOrder([0, 0, 1, 2, 2], groupSize: 2)
    }
    #expect(throws: GroupIndexError.wrongCount(group: 0, columns: 3, expected: 2)) {
      try GPTQPacking.columnOrder([0, 0, 0, 1, 2], groupSize: 2)
    }
    let error = GroupIndexError.wrongCount(group: 1, columns: 1, expected: 2)
    #expect(error.description == "g_idx puts 1 columns into group 1, which takes 2")
  }

  @Test(arguments: PackedLayout.supportedBits, [1, 9, 64, 100, 576])
  func permutesColumnsAndRestoresThem(bits: Int, columns: Int) {
    var random = SplitMix64(seed: UInt64(columns * 10 + bits))
    let order = (0..<columns).shuffled(using: &random)
    let matrix = CodeMatrix(outputs: 6, columns: columns, bits: bits)
    var expected = [UInt8]()
    for codes in matrix.codes {
      var row = [UInt8](repeating: 0, count: matrix.layout.rowStride)
      for (position, column) in order.enumerated() {
        put(codes[column], bits: bits, index: position, into: &row)
      }
      expected += row
    }
    order.withUnsafeBufferPointer { order in
      let permuted = changed(matrix.packed) {
        GPTQPacking.permuteColumns(of: $0, layout: matrix.layout, order: order)
      }
      #expect(permuted == expected)
      let restored = changed(expected) {
        GPTQPacking.restoreColumns(of: $0, layout: matrix.layout, order: order)
      }
      #expect(restored == matrix.packed)
    }
  }
}
