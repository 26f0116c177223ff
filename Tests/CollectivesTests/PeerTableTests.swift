import Collectives
import Testing

/// What an authentic datagram may do: a fault in a rank, or one that somebody has recorded and
/// sends again, must not harm the others.
@Suite struct PeerTableTests {
  private static let addresses: [UInt32] = [0x0100_007f, 0x0200_007f]
  private let home = DatagramAddress(address: addresses[0], port: 99)

  private func table(rank: Int = 0, count: Int = 3) -> Ears {
    Ears(
      PeerTable(
        rank: rank,
        endpoints: (0..<count).map {
          Endpoint(hostName: "h\($0)", port: 99, addresses: Self.addresses)
        }, now: 0))
  }

  /// `#expect` cannot look at a call that changes a value.
  private final class Ears {
    private(set) var table: PeerTable
    init(_ table: PeerTable) { self.table = table }
    var unheard: [Int] { table.unheard }
    func phase(of rank: Int) -> String { table.phase(of: rank) }
    var pulseTargets: [DatagramAddress] { table.pulseTargets }

    func hears(_ datagram: Datagram, from address: DatagramAddress, now: Double) -> Bool {
      table.isListening(now: now, interval: 1)
      return table.hears(datagram, from: address, now: now)
    }
  }

  private func pulse(
    _ sequence: UInt64, from sender: Int = 1, to recipient: Int? = nil, _ a: Int64 = 1,
    _ b: Int64 = 2, _ c: Int64 = 3, text: String = "a"
  ) -> Datagram {
    Datagram(.pulse, from: sender, to: recipient, sequence: sequence, a, b, c, text: text)
  }

  @Test func replayedDatagramsAreIgnored() {
    let table = table()
    #expect(table.hears(pulse(5, text: "new"), from: home, now: 1))
    #expect(!table.hears(pulse(5, text: "old"), from: home, now: 2))
    #expect(!table.hears(pulse(4, text: "older"), from: home, now: 2))
    #expect(table.phase(of: 1) == "new")
    #expect(table.unheard == [2])
    #expect(table.hears(pulse(1, from: 2), from: home, now: 2), "each sender counts for itself")
    let request = Datagram(.request, from: 1, to: 0, sequence: 3, 0, 0, 0)
    #expect(table.hears(request, from: home, now: 2), "a pulse may overtake a request")
    #expect(!table.hears(request, from: home, now: 2))
  }

  /// Overflows of all these once ended the process with a trap.
  @Test(arguments: [Int64.min, -1, (1 << 53) + 1, .max])
  func numbersOutOfRangeAreIgnored(number: Int64) {
    let table = table()
    for (a, b, c) in [(number, 0, 0), (0, number, 0), (0, 0, number)] {
      #expect(!table.hears(pulse(1, a, b, c), from: home, now: 1))
      let request = Datagram(.request, from: 1, to: 0, sequence: 1, a, b, c)
      #expect(!table.hears(request, from: home, now: 1))
    }
    #expect(table.unheard == [1, 2])
    #expect(table.hears(pulse(1), from: home, now: 1))
  }

  @Test func onlyRanksAreHeard() {
    let table = table()
    for sender in [0, 3, 4_294_967_295] {
      #expect(!table.hears(pulse(1, from: sender), from: home, now: 1), "\(sender)")
    }
    #expect(!table.hears(pulse(1, to: 2), from: home, now: 1), "meant for another")
    #expect(table.unheard == [1, 2])
  }

  /// A grant to one rank, sent on to another, would have both compute the same slot.
  @Test func claimsPassBetweenARankAndRankZeroOnly() {
    let zero = table()
    let one = table(rank: 1)
    func datagram(_ kind: Datagram.Kind, _ sender: Int, _ recipient: Int?) -> Datagram {
      Datagram(kind, from: sender, to: recipient, sequence: 1, 0, 0, 0)
    }
    #expect(!zero.hears(datagram(.assignment, 1, 0), from: home, now: 1))
    #expect(!zero.hears(datagram(.request, 1, nil), from: home, now: 1))
    #expect(!one.hears(datagram(.request, 2, 1), from: home, now: 1))
    #expect(!one.hears(datagram(.assignment, 2, 1), from: home, now: 1))
    #expect(!one.hears(datagram(.assignment, 0, nil), from: home, now: 1))
    #expect(!one.hears(datagram(.assignment, 0, 2), from: home, now: 1))
    #expect(one.unheard == [0, 2])
    #expect(zero.hears(datagram(.request, 1, 0), from: home, now: 1))
    #expect(one.hears(datagram(.assignment, 0, 1), from: home, now: 1))
  }

  /// Whoever sends a true datagram on from elsewhere does not become the target of the answers.
  @Test func onlyAnnouncedAddressesBecomeTargets() {
    let table = table(count: 2)
    let all = Self.addresses.map { DatagramAddress(address: $0, port: 99) }
    let strangers = [
      DatagramAddress(address: 0x0300_007f, port: 99),
      DatagramAddress(address: Self.addresses[0], port: 98),
    ]
    for (index, stranger) in strangers.enumerated() {
      #expect(table.hears(pulse(UInt64(index) + 1), from: stranger, now: 1))
      #expect(table.pulseTargets == all)
    }
    #expect(table.hears(pulse(100), from: all[1], now: 1))
    #expect(table.pulseTargets == [all[1]])
  }

  /// Otherwise all ranks would send to rank 0 first, all at once.
  @Test func eachRankBeginsWithTheNextOne() {
    let table = PeerTable(
      rank: 2,
      endpoints: (0..<4).map { Endpoint(hostName: "", port: UInt16($0), addresses: [1]) }, now: 0)
    #expect(table.pulseTargets.map(\.port) == [3, 0, 1])
  }

  /// The rules of giving up, by a clock of the test's own. Rank 1 is silent from 1 s on; rank 2
  /// goes on telling, without CPU time; rank 3 was never heard.
  @Test func absenteesAreNamedWithTheirReason() throws {
    let table = table(count: 4)
    func absent(_ now: Double, index: Int = 5, blind: Double = 100) -> [Stall.Absent]? {
      table.table.absentees(at: index, since: 0, limit: 10, blindLimit: blind, now: now)
    }
    #expect(table.hears(pulse(1, from: 1, 4, 0, 0, text: "x"), from: home, now: 1))
    for second in 1...30 {
      let pulse = pulse(UInt64(second), from: 2, 4, 7, 100, text: "y")
      #expect(table.hears(pulse, from: home, now: Double(second)))
    }
    #expect(absent(10) == nil)
    let late = try #require(absent(12))
    #expect(late.map(\.rank) == [1, 2])
    #expect(late.map(\.reason) == [.silent, .stuck])
    #expect(late.map(\.phase) == ["x", "y"])
    #expect(absent(30, blind: 20)?.last?.reason == .unheard)
    #expect(absent(12, index: 4)?.map(\.rank) == [1], "who has come need not compute")
  }
}

@Suite struct ClaimCounterTests {
  private final class Counter {
    private var counter = ClaimCounter()
    func claim(round: Int, number: Int, rank: Int) -> Int? {
      counter.claim(round: round, number: number, rank: rank)
    }
  }

  @Test func slotsAreGivenOnceAndTheSameAgain() {
    let counter = Counter()
    #expect(counter.claim(round: 0, number: 0, rank: 2) == 0)
    #expect(counter.claim(round: 0, number: 0, rank: 1) == 1)
    #expect(counter.claim(round: 0, number: 0, rank: 2) == 0, "asked again")
    #expect(counter.claim(round: 0, number: 1, rank: 2) == 2)
    #expect(counter.claim(round: 1, number: 0, rank: 1) == 0)
    #expect(counter.claim(round: 0, number: 2, rank: 2) == nil, "that round is over")
    #expect(counter.claim(round: 1, number: 0, rank: 2) == 1)
  }

  /// One request of a far round would have ended all later grants.
  @Test(arguments: [-1, 3, 1 << 53, .max, .min]) func roundsFollowEachOther(round: Int) {
    let counter = Counter()
    for round in 0...1 { #expect(counter.claim(round: round, number: 0, rank: 0) == 0) }
    #expect(counter.claim(round: round, number: 0, rank: 1) == nil)
    #expect(counter.claim(round: 1, number: 0, rank: 1) == 1)
    #expect(counter.claim(round: 1, number: -1, rank: 2) == nil)
  }
}
