internal import CMPI
internal import Foundation
internal import Machine

extension Communicator {
  /// Says what this rank is at, for the messages of ranks that wait for it: `step 120, reading
  /// data`.
  ///
  /// Each call counts as progress. At most 255 bytes.
  package func beginPhase(_ phase: String) { heartbeats?.beginPhase(phase) }

  /// Starts one non-blocking collective and polls until it has ended.
  ///
  /// Polling also drives it: Open MPI makes no progress outside MPI calls. After 5 ms the polls are
  /// spaced by short naps, so that a rank that waits for a slower one leaves it the cores.
  ///
  /// - Parameter bytesSent: this rank's share, for `traffic`.
  func complete(
    _ collective: String, bytesSent: Int,
    start: (MPI_Comm, UnsafeMutablePointer<MPI_Request>) -> Int32
  ) throws(CommunicatorError) {
    var request: MPI_Request = peqa_mpi_request_null()
    try poll(collective, bytesSent: bytesSent) { channel in
      start(channel, &request)
    } test: { done in
      peqa_mpi_test(&request, &done)
    }
  }

  /// The same for whatever `start` starts and `test` finds ended.
  func poll(
    _ collective: String, bytesSent: Int, start: (MPI_Comm) -> Int32, test: (inout Int32) -> Int32
  ) throws(CommunicatorError) {
    guard let channel else { return }
    let began = Stopwatch.now()
    defer { traffic.seconds += Stopwatch.now() - began }
    traffic.calls += 1
    traffic.bytesSent += bytesSent
    let index = heartbeats?.beginCollective() ?? 0
    try check(start(channel), collective)
    var nextLook = began + Self.lookInterval
    while true {
      var done: Int32 = 0
      try check(test(&done), collective)
      if done != 0 { return }
      let now = Stopwatch.now()
      if now > nextLook {
        nextLook = now + Self.lookInterval
        try lookAround(collective, index, since: began)
      }
      if now - began < 0.005 { sched_yield() } else { usleep(50) }
    }
  }

  private static let lookInterval = 0.05

  /// Throws where there is reason to wait no longer.
  private func lookAround(
    _ collective: String, _ index: Int, since began: Double
  ) throws(CommunicatorError) {
    if let code = interruption() { throw .interrupted(code: code) }
    let waited = Stopwatch.now() - began
    let absent = heartbeats?.peers.absentees(
      at: index, since: began, limit: timeout, blindLimit: blindTimeout ?? timeout,
      now: Stopwatch.now())
    if absent == nil, waited <= patience { return }
    throw .timedOut(
      Stall(
        collective: collective, seconds: waited, rank: rank, hostName: hostName,
        phase: heartbeats?.phase ?? "", absent: absent ?? []))
  }

  /// Waits until every rank has come here.
  package func barrier() throws(CommunicatorError) {
    try complete("barrier", bytesSent: 0) { peqa_mpi_start_barrier($0, $1) }
  }

  /// Ranks from which some rank hears no sign of life; the same on all ranks.
  ///
  /// - Parameter patience: seconds to wait for the first signs.
  package func unheardRanks(within patience: Double) throws(CommunicatorError) -> [Int] {
    guard size > 1, let heartbeats else { return [] }
    let began = Stopwatch.now()
    while !heartbeats.peers.unheard.isEmpty, Stopwatch.now() - began < patience { usleep(2000) }
    let all = try allGather(heartbeats.peers.unheard.map { "\($0) " }.joined().utf8.map { $0 })
    let unheard = all.flatMap { String(decoding: $0, as: UTF8.self).split(separator: " ") }
    return Set(unheard.compactMap { Int($0) }).sorted()
  }

  /// Slots 0, 1, 2, ... of a round, each to one rank only: whoever claims first gets the next
  /// (dynamic scheduling by a shared counter).
  ///
  /// Rank 0's other thread answers, also while rank 0 computes. Every rank claims at least once in
  /// every round, and begins a round after all ranks have ended the one before, which a collective
  /// between them makes sure of. It needs heartbeats from rank 0: see `unheardRanks`.
  ///
  /// - Parameter round: greater than that of the round before.
  package func claimNext(inRound round: Int) throws(CommunicatorError) -> Int {
    claims =
      claims.label == round
      ? (round, claims.round, claims.count + 1) : (round, claims.round + 1, 0)
    let (round, number) = (claims.round, claims.count)
    guard let heartbeats else { return number }
    if rank == 0 { return heartbeats.claimLocally(round: round, number: number) ?? .max }
    let began = Stopwatch.now()
    var nextRequest = began
    while true {
      let now = Stopwatch.now()
      if now >= nextRequest {
        heartbeats.request(round: round, number: number)
        nextRequest = now + 0.02
        try lookAround("asking rank 0 for work", 0, since: began)
      }
      if let slot = heartbeats.granted(round: round, number: number) { return slot }
      usleep(50)
    }
  }
}
