internal import CMPI

extension Communicator {
  /// Adds up over all ranks with the fewest bytes that are possible, 2 (P-1)/P of the buffer from each
  /// rank: P-1 turns in which each rank passes a part on to the next and adds what comes, then P-1 in
  /// which the finished parts go round (Patarasuk and Yuan 2009, "Bandwidth optimal all-reduce
  /// algorithms for clusters of workstations").
  ///
  /// MPI's non-blocking all-reduce takes 2 to 3 times as long between hosts on Ethernet. The sums are
  /// those of any other order, as integers are exact.
  func ringSum<Value: FixedWidthInteger>(
    _ values: UnsafeMutableBufferPointer<Value>
  ) throws(CommunicatorError) {
    var first = 0
    while size > 1, first < values.count {
      let count = min(valuesPerCall, values.count - first)
      try ringSum(part: UnsafeMutableBufferPointer(rebasing: values[first..<first + count]))
      first += count
    }
  }

  private func ringSum<Value: FixedWidthInteger>(
    part values: UnsafeMutableBufferPointer<Value>
  ) throws(CommunicatorError) {
    // Freed after success only: after a time-out MPI still owns it.
    let incoming = UnsafeMutableBufferPointer<Value>.allocate(
      capacity: (values.count + size - 1) / size)
    incoming.initialize(repeating: 0)
    func share(_ turn: Int) -> UnsafeMutableBufferPointer<Value> {
      let place = (rank - turn + 2 * size) % size
      let range = values.count * place / size..<values.count * (place + 1) / size
      return UnsafeMutableBufferPointer(rebasing: values[range])
    }
    for turn in 0..<size - 1 {
      let target = share(turn + 1)
      try shift(share(turn), UnsafeMutableBufferPointer(rebasing: incoming[..<target.count]))
      for index in target.indices { target[index] &+= incoming[index] }
    }
    for turn in 0..<size - 1 { try shift(share(turn - 1), share(turn)) }
    incoming.deallocate()
  }

  /// One turn: `outgoing` to the next rank, `incoming` from the one before.
  func shift<Value>(
    _ outgoing: UnsafeMutableBufferPointer<Value>, _ incoming: UnsafeMutableBufferPointer<Value>,
    _ collective: String = "all-reduce of sums"
  ) throws(CommunicatorError) {
    let (sent, received) = (
      UnsafeMutableRawBufferPointer(outgoing), UnsafeMutableRawBufferPointer(incoming)
    )
    let requests = UnsafeMutableBufferPointer<MPI_Request>.allocate(capacity: 2)
    requests.initialize(repeating: peqa_mpi_request_null())
    guard let both = requests.baseAddress else { return }
    // An empty share has no address of its own.
    let spare = UnsafeMutableRawPointer(both)
    try poll(collective, bytesSent: sent.count) { channel in
      peqa_mpi_start_shift(
        sent.baseAddress ?? spare, Int32(sent.count), Int32((rank + 1) % size),
        received.baseAddress ?? spare, Int32(received.count), Int32((rank + size - 1) % size),
        channel, both)
    } test: { done in
      peqa_mpi_test_both(both, &done)
    }
    requests.deallocate()
  }
}
