internal import CMPI

extension Communicator {
  /// Whether a sum goes round the ring: the same answer on all ranks, as all give the same count.
  package func usesRing<Value>(_ count: Int, of _: Value.Type) -> Bool {
    count * MemoryLayout<Value>.stride / size >= leastRingShare
  }

  /// Adds up over all ranks with the fewest bytes that are possible, 2 (P-1)/P of the buffer from
  /// each rank: P-1 turns in which each rank passes a part on to the next and adds what comes, then
  /// P-1 in which the finished parts go round (Patarasuk and Yuan 2009, "Bandwidth optimal
  /// all-reduce algorithms for clusters of workstations").
  ///
  /// The values are cut into lanes, each a small ring of its own: while one lane adds or waits for
  /// its next turn, the others keep the link busy. MPI's non-blocking all-reduce takes 2 to 3 times
  /// as long between hosts on Ethernet. The sums are those of any other order, as integers are
  /// exact.
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
    let bytes = values.count / size * MemoryLayout<Value>.stride
    let count = max(1, min(mostLanes, bytes / bytesPerTurn))
    // Freed after success only: after a time-out MPI still owns it.
    let lanes = (0..<count).map { number in
      RingLane(
        UnsafeMutableBufferPointer(
          rebasing: values[
            values.count * number / count..<values.count * (number + 1) / count]),
        number: Int32(number), rank: rank, size: size)
    }
    var open = lanes
    try poll("all-reduce of sums", bytesSent: lanes.reduce(0) { $0 + $1.bytesSent }) { channel in
      for lane in lanes {
        let code = lane.startTurn(channel)
        if code != peqa_mpi_success() { return code }
      }
      return peqa_mpi_success()
    } test: { done in
      guard let channel else { return peqa_mpi_success() }
      for lane in open {
        var isOver: Int32 = 0
        var code = peqa_mpi_test_both(lane.requests, &isOver)
        if code == peqa_mpi_success(), isOver != 0 {
          heartbeats?.progress()
          lane.endTurn()
          if !lane.isDone { code = lane.startTurn(channel) }
        }
        if code != peqa_mpi_success() { return code }
      }
      open.removeAll { $0.isDone }
      done = open.isEmpty ? 1 : 0
      return peqa_mpi_success()
    }
    for lane in lanes { lane.free() }
  }

  /// One turn of a ring: `outgoing` to the next rank, `incoming` from the one before.
  func shift(
    _ outgoing: UnsafeMutableRawBufferPointer, _ incoming: UnsafeMutableRawBufferPointer,
    _ collective: String
  ) throws(CommunicatorError) {
    let requests = UnsafeMutablePointer<MPI_Request>.allocate(capacity: 2)
    requests.initialize(repeating: peqa_mpi_request_null(), count: 2)
    try poll(collective, bytesSent: outgoing.count) { channel in
      startShift(outgoing, incoming, tag: 0, (rank, size), channel, requests)
    } test: { done in
      peqa_mpi_test_both(requests, &done)
    }
    requests.deallocate()
  }
}

/// A part of the values on its way round the ring.
///
/// Turn t of the first P-1 sends share `rank - t` and adds what comes to share `rank - t - 1`; in
/// the P-1 after them the share that came is finished and takes its place. A lane goes on when both
/// halves of its turn are over, so there is never more than one message of it on each link.
private final class RingLane<Value: FixedWidthInteger> {
  /// The two halves of the turn that is under way.
  let requests: UnsafeMutablePointer<MPI_Request>
  private let values: UnsafeMutableBufferPointer<Value>
  private let incoming: UnsafeMutableBufferPointer<Value>
  private let number: Int32
  private let rank: Int
  private let size: Int
  private var turn = 0

  init(
    _ values: UnsafeMutableBufferPointer<Value>, number: Int32, rank: Int, size: Int
  ) {
    (self.values, self.number, self.rank, self.size) = (values, number, rank, size)
    incoming = .allocate(capacity: (values.count + size - 1) / size)
    requests = .allocate(capacity: 2)
    requests.initialize(repeating: peqa_mpi_request_null(), count: 2)
  }

  var isDone: Bool { turn == 2 * (size - 1) }

  var bytesSent: Int {
    (0..<2 * (size - 1)).reduce(0) { $0 + outgoing($1).count * MemoryLayout<Value>.stride }
  }

  private func share(_ place: Int) -> UnsafeMutableBufferPointer<Value> {
    let place = (place + 2 * size) % size
    return UnsafeMutableBufferPointer(
      rebasing: values[values.count * place / size..<values.count * (place + 1) / size])
  }

  private func outgoing(_ turn: Int) -> UnsafeMutableBufferPointer<Value> { share(rank - turn) }

  private var isAdding: Bool { turn < size - 1 }

  func startTurn(_ channel: MPI_Comm) -> Int32 {
    let target = share(rank - turn - 1)
    let place = isAdding ? UnsafeMutableBufferPointer(rebasing: incoming[..<target.count]) : target
    return startShift(
      UnsafeMutableRawBufferPointer(outgoing(turn)), UnsafeMutableRawBufferPointer(place),
      tag: number, (rank, size), channel, requests)
  }

  func endTurn() {
    if isAdding {
      let target = share(rank - turn - 1)
      for index in target.indices { target[index] &+= incoming[index] }
    }
    turn += 1
  }

  func free() {
    incoming.deallocate()
    requests.deallocate()
  }
}

private func startShift(
  _ outgoing: UnsafeMutableRawBufferPointer, _ incoming: UnsafeMutableRawBufferPointer,
  tag: Int32, _ place: (rank: Int, size: Int), _ channel: MPI_Comm,
  _ requests: UnsafeMutablePointer<MPI_Request>
) -> Int32 {
  // An empty share has no address of its own.
  let spare = UnsafeMutableRawPointer(requests)
  return peqa_mpi_start_shift(
    outgoing.baseAddress ?? spare, Int32(outgoing.count), Int32((place.rank + 1) % place.size),
    incoming.baseAddress ?? spare, Int32(incoming.count),
    Int32((place.rank + place.size - 1) % place.size), tag, channel, requests)
}
