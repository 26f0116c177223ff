internal import Collectives

/// Adds up `sum` over all ranks with 4 bytes a value wherever a whole block of 256 fits, and 8 where
/// it does not: nothing is rounded here, so the bits are those of the wide all-reduce.
///
/// Which blocks fit is agreed on first: the ranks add up their largest magnitudes of each block
/// (8 bytes for 256 values). Where that total is below 2^31, no partial sum of any ranks in any order
/// can leave 32 bits.
func allReduceNarrow(_ sum: borrowing ExactSum, over group: any RankGroup) throws {
  let bounds = UnsafeMutableBufferPointer<Int64>.allocate(capacity: sum.blockCount)
  for block in bounds.indices {
    bounds.initializeElement(at: block, to: sum.largest(inBlock: block))
  }
  try group.allReduceSum(bounds)
  let fits = bounds.map { $0 <= Int64(Int32.max) }
  bounds.deallocate()

  var first = 0
  while first < fits.count {
    let blocks = first..<min(first + blocksPerCall, fits.count)
    try reduce(sum, blocks.filter { fits[$0] }, as: Int32.self, group) { try $0.allReduceSum($1) }
    try reduce(sum, blocks.filter { !fits[$0] }, as: Int64.self, group) { try $0.allReduceSum($1) }
    first = blocks.upperBound
  }
  // The scalars behind the gradient.
  try group.allReduceSum(UnsafeMutableBufferPointer(rebasing: sum.values[sum.adaptive...]))
}

/// Bounds the copies to 16 MiB.
private let blocksPerCall = 1 << 14

/// Packs blocks, adds them up, and puts the totals back. The copy is freed after success only: after
/// a time-out MPI still owns it.
private func reduce<Value: FixedWidthInteger>(
  _ sum: borrowing ExactSum, _ blocks: [Int], as _: Value.Type, _ group: any RankGroup,
  _ allReduce: (any RankGroup, UnsafeMutableBufferPointer<Value>) throws -> Void
) throws {
  guard !blocks.isEmpty else { return }
  let count = blocks.reduce(0) { $0 + sum.elements(ofBlock: $1).count }
  let packed = UnsafeMutableBufferPointer<Value>.allocate(capacity: count)
  var place = 0
  for block in blocks {
    for index in sum.elements(ofBlock: block) {
      packed.initializeElement(at: place, to: Value(truncatingIfNeeded: sum.values[index]))
      place += 1
    }
  }
  try allReduce(group, packed)
  place = 0
  for block in blocks {
    for index in sum.elements(ofBlock: block) {
      sum.values[index] = Int64(packed[place])
      place += 1
    }
  }
  packed.deallocate()
}
