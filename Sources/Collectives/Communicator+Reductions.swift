internal import CMPI

extension Communicator {
  /// Replaces `values` by their sums over all ranks; every rank must give the same count.
  ///
  /// Integer sums do not depend on order, rank count or algorithm. The caller makes sure that the
  /// sum cannot overflow (`ExactSum` does): MPI would wrap silently.
  package func allReduceSum(
    _ values: UnsafeMutableBufferPointer<Int64>
  ) throws(CommunicatorError) {
    if usesRing(values.count, of: Int64.self) { return try ringSum(values) }
    try reduce(values, "all-reduce of sums") { peqa_mpi_start_sum_int64($0, $1, $2, $3) }
  }

  /// The same for numbers of 32 bits.
  package func allReduceSum(
    _ values: UnsafeMutableBufferPointer<Int32>
  ) throws(CommunicatorError) {
    if usesRing(values.count, of: Int32.self) { return try ringSum(values) }
    try reduce(values, "all-reduce of sums") { peqa_mpi_start_sum_int32($0, $1, $2, $3) }
  }

  /// Replaces every rank's sum by that of all ranks' addends; shapes and steps must be alike.
  package func allReduceSum(_ sum: inout ExactSum) throws(CommunicatorError) {
    try allReduceSum(sum.values)
  }

  /// The sum of all ranks' values.
  package func allReduceSum(_ value: Int64) throws(CommunicatorError) -> Int64 {
    var value = value
    try reduce(one: &value, "all-reduce of a sum") { peqa_mpi_start_sum_int64($0, $1, $2, $3) }
    return value
  }

  /// The largest of all ranks' values. With a NaN among them the result is unspecified.
  package func allReduceMax(_ value: Double) throws(CommunicatorError) -> Double {
    var value = value
    try reduce(one: &value, "all-reduce of a maximum") {
      peqa_mpi_start_max_double($0, $1, $2, $3)
    }
    return value
  }

  /// The smallest of all ranks' values. With a NaN among them the result is unspecified.
  package func allReduceMin(_ value: Double) throws(CommunicatorError) -> Double {
    -(try allReduceMax(-value))
  }

  /// The largest code of any rank: 0 only if all are well, and the same answer on all.
  ///
  /// Called after a piece of work that can fail on one rank alone, so that all leave together, with
  /// the same exit code, instead of waiting for the failed one.
  package func allAgree(_ localCode: Int32) throws(CommunicatorError) -> Int32 {
    var code = Int64(localCode)
    try reduce(one: &code, "agreement on errors") { peqa_mpi_start_max_int64($0, $1, $2, $3) }
    return Int32(truncatingIfNeeded: code)
  }

  private typealias Start<Value> = (
    UnsafeMutablePointer<Value>, Int32, MPI_Comm, UnsafeMutablePointer<MPI_Request>
  ) -> Int32

  private func reduce<Value>(
    one value: inout Value, _ name: String, start: Start<Value>
  ) throws(CommunicatorError) {
    // Not on the stack: after a time-out MPI still owns this memory.
    let buffer = UnsafeMutableBufferPointer<Value>.allocate(capacity: 1)
    buffer.initialize(repeating: value)
    try reduce(buffer, name, start: start)
    value = buffer[0]
    buffer.deallocate()
  }

  private func reduce<Value>(
    _ values: UnsafeMutableBufferPointer<Value>, _ name: String, start: Start<Value>
  ) throws(CommunicatorError) {
    guard channel != nil, let base = values.baseAddress else { return }
    var first = 0
    while first < values.count {
      let count = min(valuesPerCall, values.count - first)
      let bytes = 2 * (size - 1) * count * MemoryLayout<Value>.stride / size
      try complete(name, bytesSent: bytes) { world, request in
        start(base + first, Int32(count), world, request)
      }
      first += count
    }
  }
}
