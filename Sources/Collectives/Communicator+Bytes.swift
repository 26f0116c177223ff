internal import CMPI

extension Communicator {
  /// The bytes that rank 0 gives, on every rank; what other ranks give is ignored.
  package func broadcast(_ bytes: [UInt8]) throws(CommunicatorError) -> [UInt8] {
    guard channel != nil else { return bytes }
    // The length is rank 0's, the others add nothing to it.
    let count = Int(try allReduceSum(rank == 0 ? Int64(bytes.count) : 0))
    let buffer = LentBytes(count: count)
    if rank == 0 { buffer.copy(bytes) }
    var first = 0
    while first < count {
      let length = min(bytesPerCall, count - first)
      try complete("broadcast", bytesSent: rank == 0 ? length : 0) { world, request in
        peqa_mpi_start_broadcast(buffer.base + first, Int32(length), 0, world, request)
      }
      first += length
    }
    return buffer.takeAll()
  }

  /// The bytes of every rank, in rank order, on every rank. For small things: at most 2 GiB in all.
  package func allGather(_ bytes: [UInt8]) throws(CommunicatorError) -> [[UInt8]] {
    guard channel != nil else { return [bytes] }
    return try gather(bytes, "all-gather", toAll: true)
  }

  /// The bytes of every rank, in rank order, on rank 0, and nil elsewhere. At most 2 GiB in all.
  package func gather(_ bytes: [UInt8]) throws(CommunicatorError) -> [[UInt8]]? {
    guard channel != nil else { return [bytes] }
    let parts = try gather(bytes, "gather", toAll: false)
    return rank == 0 ? parts : nil
  }

  private func gather(
    _ bytes: [UInt8], _ name: String, toAll: Bool
  ) throws(CommunicatorError) -> [[UInt8]] {
    let counts = try allCounts(bytes.count, name)
    // All ranks know all counts, so all refuse alike.
    let total = counts.reduce(0, +)
    guard total <= Int(Int32.max) else { throw .tooLarge(collective: name, bytes: total) }
    let offsets = counts.indices.map { counts[..<$0].reduce(0, +) }
    let own = LentBytes(count: bytes.count)
    own.copy(bytes)
    let all = LentBytes(count: toAll || rank == 0 ? total : 0)
    let (counts32, offsets32) = (LentBytes(integers: counts), LentBytes(integers: offsets))
    let sent = toAll ? bytes.count * (size - 1) : rank == 0 ? 0 : bytes.count
    try complete(name, bytesSent: sent) { world, request in
      let (counts, offsets) = (counts32.integers, offsets32.integers)
      let count = Int32(bytes.count)
      return toAll
        ? peqa_mpi_start_all_gather_bytes(
          own.base, count, all.base, counts, offsets, world, request)
        : peqa_mpi_start_gather_bytes(
          own.base, count, all.base, counts, offsets, 0, world, request)
    }
    own.free()
    counts32.free()
    offsets32.free()
    let received = all.takeAll()
    guard toAll || rank == 0 else { return [] }
    return zip(offsets, counts).map { Array(received[$0..<$0 + $1]) }
  }

  private func allCounts(_ count: Int, _ name: String) throws(CommunicatorError) -> [Int] {
    let buffer = UnsafeMutablePointer<Int64>.allocate(capacity: size)
    buffer.initialize(repeating: 0, count: size)
    buffer[rank] = Int64(count)
    try complete(name, bytesSent: 8 * (size - 1)) { world, request in
      peqa_mpi_start_all_gather_int64(buffer, world, request)
    }
    defer { buffer.deallocate() }
    return (0..<size).map { Int(buffer[$0]) }
  }
}

/// Memory that MPI may hold on to. It is freed only by hand, after success: when a collective times
/// out, MPI can still write into it while the process tells how it ended.
private struct LentBytes {
  let base: UnsafeMutableRawPointer
  let count: Int

  init(count: Int) {
    self.count = count
    base = .allocate(byteCount: max(count, 1), alignment: 16)
  }

  init(integers: [Int]) {
    self.init(count: integers.count * MemoryLayout<Int32>.stride)
    for (index, value) in integers.enumerated() {
      base.storeBytes(
        of: Int32(value), toByteOffset: index * MemoryLayout<Int32>.stride, as: Int32.self)
    }
  }

  var integers: UnsafePointer<Int32> {
    UnsafePointer(base.assumingMemoryBound(to: Int32.self))
  }

  func copy(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes {
      UnsafeMutableRawBufferPointer(start: base, count: count).copyMemory(from: $0)
    }
  }

  func takeAll() -> [UInt8] {
    defer { free() }
    return Array(UnsafeRawBufferPointer(start: base, count: count))
  }

  func free() { base.deallocate() }
}
