/// What is known of another rank, by what it has said.
struct Peer: Sendable {
  let endpoint: Endpoint
  let isSelf: Bool
  private(set) var lastHeard: Double?
  /// When it last got on: another phase, mark or collective.
  private(set) var lastMark: Double
  /// When it last got on or was seen computing.
  private(set) var lastWork: Double
  private(set) var phase = ""
  private(set) var collectives = 0
  private var marks: Int64 = -1
  private var processorTime: Int64 = 0
  private var lastPulse: Double
  /// The announced address that it was heard from.
  private var address: DatagramAddress?
  /// The last sequence number of each kind; datagrams of different kinds may overtake each other.
  private var sequences = [UInt64](repeating: 0, count: Datagram.Kind.allCases.count)

  init(_ endpoint: Endpoint, isSelf: Bool, now: Double) {
    (self.endpoint, self.isSelf) = (endpoint, isSelf)
    (lastMark, lastWork, lastPulse) = (now, now, now)
  }

  /// Where it was heard from, else all of its host's addresses.
  var targets: [DatagramAddress] { address.map { [$0] } ?? endpoint.targets }

  /// Notes a datagram of this rank; false where it says nothing new or what cannot be.
  mutating func hears(_ datagram: Datagram, from address: DatagramAddress, now: Double) -> Bool {
    let kind = Int(datagram.kind.rawValue)
    guard datagram.sequence > sequences[kind], Self.isInRange(datagram) else { return false }
    sequences[kind] = datagram.sequence
    lastHeard = now
    // What was read elsewhere and sent on tells nothing about where this rank is.
    if endpoint.announces(address) { self.address = address }
    if datagram.kind == .pulse { note(pulse: datagram, now: now) }
    return true
  }

  /// Counts and times that a run can reach: no arithmetic with them overflows.
  private static func isInRange(_ datagram: Datagram) -> Bool {
    let (a, b, c) = datagram.numbers
    return [a, b, c].allSatisfy { (0...1 << 53).contains($0) }
  }

  private mutating func note(pulse: Datagram, now: Double) {
    let (collectives, marks, time) = pulse.numbers
    if Int(collectives) != self.collectives || marks != self.marks {
      (lastMark, lastWork) = (now, now)
    }
    // Half a percent of one core, and a millisecond: more than its own signs of life cost.
    if Double(time - processorTime) > 1000 + 5000 * (now - lastPulse) { lastWork = now }
    (self.collectives, self.marks, processorTime) = (Int(collectives), marks, time)
    (lastPulse, phase) = (now, pulse.text)
  }
}
