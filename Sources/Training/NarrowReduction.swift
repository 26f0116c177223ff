internal import Collectives

/// Adds up `sum` over all ranks with 4 bytes per value wherever a whole block of 256 fits, and 8
/// where it does not: nothing is rounded here, so the bits are those of the wide all-reduce.
///
/// Which blocks fit is agreed on first: the ranks add up bounds of each block (8 bytes for 256
/// values). Where that total is below 2^31, no partial sum of any ranks in any order can leave 32
/// bits. The scalars behind the gradient travel with the bounds.
func allReduceNarrow(_ sum: borrowing ExactSum, over group: any RankGroup) throws {
  let scalars = sum.adaptive..<sum.values.count
  // Freed after success only, here and below: after a time-out MPI still owns it.
  let first = UnsafeMutableBufferPointer<Int64>.allocate(capacity: sum.blockCount + scalars.count)
  for block in 0..<sum.blockCount {
    first.initializeElement(at: block, to: sum.bound(ofBlock: block))
  }
  _ = first[sum.blockCount...].initialize(fromContentsOf: sum.values[scalars])
  try group.allReduceSum(first)
  let fits = first[..<sum.blockCount].map { $0 <= Int64(Int32.max) }
  _ = sum.values[scalars].update(fromContentsOf: first[sum.blockCount...])
  first.deallocate()

  var block = 0
  while block < fits.count {
    let blocks = block..<min(block + blocksPerCall, fits.count)
    try reduce(sum, runs(of: true, in: blocks, fits), as: Int32.self, group) {
      try $0.allReduceSum($1)
    }
    try reduce(sum, runs(of: false, in: blocks, fits), as: Int64.self, group) {
      try $0.allReduceSum($1)
    }
    block = blocks.upperBound
  }
}

/// Bounds the copies to 16 MiB.
private let blocksPerCall = 1 << 14

/// The longest stretches of blocks that all fit, or all do not.
private func runs(of kind: Bool, in blocks: Range<Int>, _ fits: [Bool]) -> [Range<Int>] {
  var runs: [Range<Int>] = []
  for block in blocks where fits[block] == kind {
    if let last = runs.last, last.upperBound == block {
      runs[runs.count - 1] = last.lowerBound..<block + 1
    } else {
      runs.append(block..<block + 1)
    }
  }
  return runs
}

/// Packs runs of blocks, adds them up, and puts the totals back.
private func reduce<Value: FixedWidthInteger & SignedInteger>(
  _ sum: borrowing ExactSum, _ runs: [Range<Int>], as _: Value.Type, _ group: any RankGroup,
  _ allReduce: (any RankGroup, UnsafeMutableBufferPointer<Value>) throws -> Void
) throws {
  let parts = runs.map { run in
    UnsafeMutableBufferPointer(
      rebasing: sum.values[
        sum.elements(ofBlock: run.lowerBound)
          .lowerBound..<sum.elements(ofBlock: run.upperBound - 1).upperBound])
  }
  let count = parts.reduce(0) { $0 + $1.count }
  guard count > 0 else { return }
  let packed = UnsafeMutableBufferPointer<Value>.allocate(capacity: count)
  var offset = 0
  for part in parts {
    let target = UnsafeMutableBufferPointer(rebasing: packed[offset..<offset + part.count])
    for index in part.indices { target[index] = Value(truncatingIfNeeded: part[index]) }
    offset += part.count
  }
  try allReduce(group, packed)
  offset = 0
  for part in parts {
    let source = UnsafeMutableBufferPointer(rebasing: packed[offset..<offset + part.count])
    for index in part.indices { part[index] = Int64(truncatingIfNeeded: source[index]) }
    offset += part.count
  }
  packed.deallocate()
}
