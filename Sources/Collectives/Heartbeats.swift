internal import Foundation
internal import Machine
internal import Synchronization

/// The signs of life that ranks send each other from a thread of their own.
///
/// A rank that computes for minutes looks to MPI like one that is dead. Here each rank tells all
/// others, about once a second and by UDP, what it is at, how many collectives it has begun and how
/// much CPU time it has used. So the ones that wait know whom they wait for, and for how long that
/// one has been silent or has not moved (`PeerTable`). The same thread of rank 0 answers claims of
/// work (`ClaimCounter`).
package final class Heartbeats: Sendable {
  let rank: Int
  private let key: DatagramKey
  private let socket: DatagramSocket?
  private let state: Mutex<State>

  /// - Parameter socket: nil sends and hears nothing.
  package init(key: DatagramKey, rank: Int, endpoints: [Endpoint], socket: DatagramSocket?) {
    (self.key, self.rank, self.socket) = (key, rank, socket)
    let peers = PeerTable(rank: rank, endpoints: endpoints, now: Stopwatch.now())
    state = Mutex(State(rank: rank, peers: peers))
    guard let socket else { return }
    let thread = Thread { [weak self] in
      ProcessDeadline.blockSignals()
      while let self, self.isOpen { self.turn(socket) }
    }
    thread.stackSize = 1 << 20
    thread.start()
  }

  package func stop() { state.withLock { $0.isOpen = false } }

  private var isOpen: Bool { state.withLock { $0.isOpen } }

  // MARK: What this rank says

  /// What it is at, for the messages of others. Also a mark of progress.
  func beginPhase(_ phase: String) {
    let isNews = state.withLock { $0.beginPhase(phase, now: Stopwatch.now()) }
    if isNews { wake() }
  }

  /// Makes the thread look at its times again.
  private func wake() {
    guard let socket else { return }
    socket.send([0], to: DatagramAddress(address: DatagramAddress.loopback, port: socket.port))
  }

  var phase: String { state.withLock { $0.phase } }

  /// A mark of progress within a long collective.
  func progress() { state.withLock { $0.marks += 1 } }

  /// Gives the number of the collective that begins.
  func beginCollective() -> Int {
    state.withLock {
      $0.collectives += 1
      return $0.collectives
    }
  }

  /// Seconds between two signs of life.
  package func setInterval(_ seconds: Double) {
    state.withLock { ($0.interval, $0.nextPulse) = (seconds, 0) }
    wake()
  }

  // MARK: What this rank knows of others

  /// All ranks, as they are known now.
  package var peers: PeerTable { state.withLock { $0.peers } }

  // MARK: Work

  /// The next slot of `round` for rank 0 itself.
  func claimLocally(round: Int, number: Int) -> Int? {
    state.withLock { $0.counter.claim(round: round, number: number, rank: rank) }
  }

  /// Asks rank 0, once more where it was asked before.
  func request(round: Int, number: Int) {
    let (datagram, targets) = state.withLock { state in
      state.asked = (round, number)
      let request = state.datagram(.request, to: 0, Int64(round), Int64(number), 0)
      return (request, state.peers.targets(of: 0))
    }
    send(datagram, to: targets)
  }

  /// Rank 0's answer, where it is there.
  func granted(round: Int, number: Int) -> Int? {
    state.withLock { state in
      guard let granted = state.granted, granted.round == round, granted.number == number else {
        return nil
      }
      return granted.slot
    }
  }

  // MARK: The thread

  private func turn(_ socket: DatagramSocket) {
    let now = Stopwatch.now()
    let (next, pulse, peers) = state.withLock { state in
      state.peers.isListening(now: now, interval: state.interval)
      let pulse = state.pulseIfDue(now: now)
      return (state.nextPulse, pulse, state.peers)
    }
    if let pulse { send(pulse, to: peers.pulseTargets) }
    socket.wait(seconds: min(next - Stopwatch.now(), 1))
    // Bounded, so that a flood cannot keep this rank from its own signs of life.
    for _ in 0..<256 + 4 * peers.count {
      guard let (datagram, sender) = socket.receive(key) else { return }
      if let datagram { hear(datagram, from: sender) }
    }
  }

  private func send(_ datagram: Datagram, to targets: [DatagramAddress]) {
    let bytes = datagram.sealed(with: key)
    for target in targets { socket?.send(bytes, to: target) }
  }

  private func hear(_ datagram: Datagram, from sender: DatagramAddress) {
    let answer = state.withLock { state -> (Datagram, [DatagramAddress])? in
      guard state.peers.hears(datagram, from: sender, now: Stopwatch.now()) else { return nil }
      return state.take(datagram).map { ($0, state.peers.targets(of: datagram.sender)) }
    }
    if let (datagram, targets) = answer { send(datagram, to: targets) }
  }
}

/// What the thread and the rank share.
private struct State {
  let rank: Int
  var peers: PeerTable
  var isOpen = true
  var phase = "start"
  var marks = 0
  var collectives = 0
  var interval = 0.5
  var nextPulse = 0.0
  /// Of this rank's datagrams.
  private var sequence: UInt64 = 0
  /// Whether the first sign of life, which all ranks send at once, is out.
  private var hasPhase = false

  /// Of rank 0.
  var counter = ClaimCounter()
  /// The claim that this rank is waiting for, and rank 0's last answer.
  var asked: (round: Int, number: Int)?
  var granted: (round: Int, number: Int, slot: Int)?

  init(rank: Int, peers: PeerTable) { (self.rank, self.peers) = (rank, peers) }

  /// - Returns: whether the others should hear of it soon.
  mutating func beginPhase(_ phase: String, now: Double) -> Bool {
    marks += 1
    guard self.phase != phase else { return false }
    self.phase = phase
    // A few more signs of life, so that the last one of a rank that dies says what it was at.
    guard nextPulse < now + 0.75 * interval else { return false }
    // All ranks enter a phase at the same time: 20 us per rank, or a tenth of the interval, between
    // them.
    nextPulse = now + .random(in: 0...min(0.1 * interval, 20e-6 * Double(peers.count)))
    return true
  }

  /// The sign of life that is due, if one is.
  mutating func pulseIfDue(now: Double) -> Datagram? {
    guard now >= nextPulse else { return nil }
    // A random share of the first interval: ranks that have begun together do not send together.
    nextPulse = now + interval * (hasPhase ? 1 : .random(in: 0.1...1))
    hasPhase = true
    var used = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used)
    return datagram(
      .pulse, to: nil, Int64(collectives), Int64(marks),
      Int64(used.tv_sec) * 1_000_000 + Int64(used.tv_nsec) / 1000, text: phase)
  }

  mutating func datagram(
    _ kind: Datagram.Kind, to recipient: Int?, _ a: Int64, _ b: Int64, _ c: Int64, text: String = ""
  ) -> Datagram {
    sequence += 1
    return Datagram(kind, from: rank, to: recipient, sequence: sequence, a, b, c, text: text)
  }

  /// Does what a datagram asks for; gives the answer.
  mutating func take(_ datagram: Datagram) -> Datagram? {
    let (round, number, slot) = datagram.numbers
    switch datagram.kind {
    case .pulse: return nil
    case .assignment:
      guard let asked, asked == (Int(round), Int(number)) else { return nil }
      granted = (asked.round, asked.number, Int(slot))
      return nil
    case .request:
      let rank = datagram.sender
      guard let slot = counter.claim(round: Int(round), number: Int(number), rank: rank) else {
        return nil
      }
      return self.datagram(.assignment, to: rank, round, number, Int64(slot))
    }
  }
}
