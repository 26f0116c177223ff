import Collectives
import Foundation
import Testing

/// One communicator for the whole process: MPI starts only once. It is left when the process ends.
private enum Ranks {
  nonisolated(unsafe) static let started: Result<Communicator, CommunicatorError> = Result {
    () throws(CommunicatorError) in
    let ranks = try Communicator.start()
    ranks.timeout = 60
    atexit { try? Ranks.started.get().finish() }
    return ranks
  }

  static let areSeveral = (Launcher().size ?? 1) > 1
}

/// Runs on as many ranks as the launcher gives: see README.md. All ranks walk through the tests in
/// the same order, so this suite must stay the only one that communicates.
@Suite(.serialized) struct RankTests {
  let ranks: Communicator

  init() throws { ranks = try Ranks.started.get() }

  /// What rank `rank` contributes at `index`: every rank can compute that of all.
  private func value(_ rank: Int, _ index: Int) -> Int64 {
    Int64(rank + 1) &* 1_000_000_007 &* Int64(index - 500) << 8
  }

  @Test func placeIsConsistent() throws {
    #expect(ranks.size == Launcher().size ?? 1)
    #expect((0..<ranks.size).contains(ranks.rank))
    let places = try ranks.allGather([UInt8(ranks.rank), UInt8(ranks.nodeRank)])
    #expect(places.map { $0[0] } == (0..<ranks.size).map { UInt8($0) })
    #expect(places.filter { $0[1] == 0 }.count == ranks.nodeCount)
    #expect(ranks.nodeRank < ranks.ranksOnNode)
  }

  /// Chunks of 1 value, an uneven number and more than all.
  @Test(arguments: [(0, 4), (1, 4), (5, 1), (1000, 7), (1000, 1000), (100_000, 1 << 22)])
  func sumsIntegers(count: Int, valuesPerCall: Int) throws {
    let usual = ranks.valuesPerCall
    defer { ranks.valuesPerCall = usual }
    ranks.valuesPerCall = valuesPerCall
    var values = (0..<count).map { value(ranks.rank, $0) }
    try values.withUnsafeMutableBufferPointer { try ranks.allReduceSum($0) }
    let expected = (0..<count).map { index in
      (0..<ranks.size).reduce(0) { $0 + value($1, index) }
    }
    #expect(values == expected)
  }

  /// The same numbers round the ring, with fewer values than ranks too, in one lane and in many,
  /// and as 32 bits.
  @Test(
    arguments: [
      (1, 4, 1 << 18), (2, 4, 1), (5, 3, 1), (1000, 7, 8), (1001, 1000, 64), (9999, 5000, 4000),
      (100_000, 1 << 22, 1 << 18), (400_001, 1 << 22, 50_000),
    ])
  func ringGivesTheSameSums(count: Int, valuesPerCall: Int, bytesPerTurn: Int) throws {
    let usual = (ranks.valuesPerCall, ranks.leastRingShare, ranks.bytesPerTurn)
    defer { (ranks.valuesPerCall, ranks.leastRingShare, ranks.bytesPerTurn) = usual }
    (ranks.valuesPerCall, ranks.leastRingShare, ranks.bytesPerTurn) = (
      valuesPerCall, 0, bytesPerTurn
    )
    try sumsIntegers(count: count, valuesPerCall: valuesPerCall)
    var values = (0..<count).map { Int32($0 * 3 - ranks.rank * 1000) }
    try values.withUnsafeMutableBufferPointer { try ranks.allReduceSum($0) }
    let size = ranks.size
    #expect(values == (0..<count).map { Int32($0 * 3 * size - size * (size - 1) / 2 * 1000) })
  }

  /// The ring is for large shares only. Sums just below and just above its limit are alike,
  /// whichever way they take.
  @Test func theRingIsForLargeShares() throws {
    let usual = ranks.leastRingShare
    defer { ranks.leastRingShare = usual }
    ranks.leastRingShare = 1 << 16
    let size = ranks.size
    let least = (size << 16) / 8
    #expect(ranks.usesRing(least, of: Int64.self))
    #expect(!ranks.usesRing(least - 1, of: Int64.self))
    #expect(!ranks.usesRing(2 * least - 1, of: Int32.self))
    for count in [least - 1, least] { try sumsIntegers(count: count, valuesPerCall: 1 << 22) }
  }

  @Test func reducesSingleValues() throws {
    let (rank, size) = (ranks.rank, ranks.size)
    #expect(try ranks.allReduceSum(Int64(rank) + 1) == Int64(size * (size + 1) / 2))
    #expect(try ranks.allReduceMax(-1.5 * Double(rank)) == 0)
    #expect(try ranks.allReduceMax(1.5 * Double(rank)) == 1.5 * Double(size - 1))
    #expect(try ranks.allReduceMin(1.5 - Double(rank)) == 2.5 - Double(size))
    #expect(try ranks.allAgree(0) == 0)
    #expect(try ranks.allAgree(rank == size - 1 ? 65 : 0) == 65)
  }

  @Test(arguments: [(0, 10), (1, 10), (10, 10), (1003, 10), (300_000, 1 << 26)])
  func broadcasts(count: Int, bytesPerCall: Int) throws {
    let usual = ranks.bytesPerCall
    defer { ranks.bytesPerCall = usual }
    ranks.bytesPerCall = bytesPerCall
    let expected = (0..<count).map { UInt8(truncatingIfNeeded: $0 * $0 / 7) }
    #expect(try ranks.broadcast(ranks.rank == 0 ? expected : [255]) == expected)
  }

  @Test func gathersUnequalParts() throws {
    // Rank 0 gives nothing.
    func part(_ rank: Int) -> [UInt8] { .init(repeating: UInt8(rank * 3), count: rank * 1000) }
    let expected = (0..<ranks.size).map(part)
    #expect(try ranks.allGather(part(ranks.rank)) == expected)
    #expect(try ranks.gather(part(ranks.rank)) == (ranks.rank == 0 ? expected : nil))
  }

  /// 13 gradients dealt to the ranks: the bits are those of one rank that adds them all, backwards.
  @Test func exactSumsDoNotKnowRanks() throws {
    var random = RandomNumbers(seed: 5)
    let gradients = (0..<13).map { _ in random.floats(5000, largest: 15) }
    var shared = ExactSum(count: 5002, addends: 13)
    var single = ExactSum(count: 5002, addends: 13)
    for (index, gradient) in gradients.enumerated() where index % ranks.size == ranks.rank {
      try add(gradient, to: &shared)
    }
    for gradient in gradients.reversed() { try add(gradient, to: &single) }
    try ranks.allReduceSum(&shared)
    #expect(shared.values.elementsEqual(single.values))
    #expect(shared.integer(at: 5001) == 13 * 5000)
  }

  private func add(_ gradient: [Float], to sum: inout ExactSum) throws {
    try gradient.withUnsafeBufferPointer { try sum.add($0) }
    try sum.addDouble(Double(gradient[0]) * 0.1, at: 5000)
    try sum.addInteger(Int64(gradient.count), at: 5001)
  }

  @Test func countsTraffic() throws {
    let before = ranks.traffic
    var values = [Int64](repeating: 1, count: 1200)
    try values.withUnsafeMutableBufferPointer { try ranks.allReduceSum($0) }
    let (size, after) = (ranks.size, ranks.traffic)
    let usesMPI = ranks.libraryVersion != nil
    #expect(after.bytesSent - before.bytesSent == 2 * (size - 1) * 9600 / size)
    #expect(after.calls - before.calls == (usesMPI ? 1 : 0))
    #expect((after.seconds > before.seconds) == usesMPI)
  }

  /// Rank 0 comes 2.5 s late and does nothing meanwhile; the others give up after 0.3 s and name
  /// it. (A barrier lends MPI no memory, so that only here a process may go on.)
  @Test(.enabled(if: Ranks.areSeveral, "needs mpirun with two ranks or more"))
  func idleRankIsNamed() throws {
    try ranks.barrier()
    if ranks.rank == 0 {
      ranks.beginPhase("checkpoint")
      ranks.timeout = 0.3  // signs of life as often as the others expect them
      defer { ranks.timeout = 60 }
      Thread.sleep(forTimeInterval: 2.5)
      try ranks.barrier()
    } else {
      ranks.timeout = 0.3
      defer { ranks.timeout = 60 }
      let error = #expect(throws: CommunicatorError.self) { try ranks.barrier() }
      #expect(error?.exitCode == 75)
      guard case .timedOut(let stall) = try #require(error) else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(stall.absent.map(\.rank) == [0])
      #expect(stall.absent.map(\.reason) == [.stuck])
      #expect(stall.absent.map(\.phase) == ["checkpoint"])
      #expect(stall.isSpeaker == (ranks.rank == 1))
    }
    try ranks.barrier()
  }

  /// Rank 0 computes for five times the limit, without a mark of progress: it is waited for.
  @Test(.enabled(if: Ranks.areSeveral, "needs mpirun with two ranks or more"))
  func computingRankIsWaitedFor() throws {
    ranks.timeout = 0.3
    defer { ranks.timeout = 60 }
    try ranks.barrier()
    let began = Date()
    var number = 1.0
    while ranks.rank == 0, Date().timeIntervalSince(began) < 1.5 {
      number = (number + 1).squareRoot()
    }
    try ranks.barrier()
    #expect(number > 0)
  }

  @Test(.enabled(if: Ranks.areSeveral, "needs mpirun with two ranks or more"))
  func interruptionEndsTheWait() throws {
    try ranks.barrier()
    if ranks.rank == 0 {
      Thread.sleep(forTimeInterval: 0.5)
    } else {
      ranks.interruption = { 143 }
      defer { ranks.interruption = { nil } }
      let error = #expect(throws: CommunicatorError.self) { try ranks.barrier() }
      #expect(error == .interrupted(code: 143))
    }
    if ranks.rank == 0 { try ranks.barrier() }
    try ranks.barrier()
  }

  @Test func allSignsOfLifeComeThrough() throws {
    #expect(try ranks.unheardRanks(within: 5) == [])
    #expect(ranks.name(ofRank: ranks.rank) == "rank \(ranks.rank) on \(ranks.hostName)")
  }

  /// Every slot goes to one rank, in several rounds, also while rank 0 computes.
  @Test func slotsAreHandedOutOnce() throws {
    for round in [1, 2, 9] {
      var own: [UInt8] = []
      while true {
        let slot = try ranks.claimNext(inRound: round)
        if slot >= 40 { break }
        own.append(UInt8(slot))
        if ranks.rank == 0 {
          let began = Date()
          while Date().timeIntervalSince(began) < 0.01 {}
        }
      }
      let all = try ranks.allGather(own)
      #expect(all.joined().sorted() == Array(0..<40))
      #expect(own == own.sorted())
    }
  }

  @Test(.enabled(if: Launcher().kind == .processManager, "needs mpirun"))
  func startsOnlyOnce() {
    #expect(throws: CommunicatorError.alreadyStarted) { try Communicator.start() }
  }

  /// Exit codes do not meet a collective of the work that some ranks have begun: here a barrier,
  /// which rank 0 never joins on that channel. (A barrier lends MPI no memory.)
  @Test(.enabled(if: Ranks.areSeveral, "needs mpirun with two ranks or more"))
  func exitsHaveTheirOwnChannel() throws {
    if ranks.rank != 0 {
      ranks.timeout = 0.2
      #expect(throws: CommunicatorError.self) { try ranks.barrier() }
    }
    let all = try ranks.exchangeExits([UInt8(ranks.rank), 7], patience: 60)
    #expect(all == (0..<ranks.size).map { [UInt8($0), 7] })
  }
}
