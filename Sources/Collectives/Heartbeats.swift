internal import Foundation
internal import Synchronization

/// The signs of life that ranks send each other from a thread of their own.
///
/// A rank that computes for minutes looks to MPI like one that is dead. Here each rank tells all
/// others, about once a second and by UDP, what it is at, how many collectives it has begun and how
/// much CPU time it has used. So the ones that wait know whom they wait for, and for how long that
/// one has been silent or has not moved. The same thread of rank 0 hands out work (`take`) and ends
/// the process where a blocking MPI call does not return.
final class Heartbeats: Sendable {
  /// Where a peer may be reached, and what it is called.
  struct Place: Equatable {
    var hostName: String
    var port: UInt16
    var addresses: [UInt32]
  }

  let run: UInt64
  let rank: Int
  private let socket: DatagramSocket?
  private let state: Mutex<State>

  /// - Parameter socket: nil sends and hears nothing.
  init(run: UInt64, rank: Int, places: [Place], socket: DatagramSocket?) {
    (self.run, self.rank, self.socket) = (run, rank, socket)
    let now = monotonicSeconds()
    state = Mutex(
      State(
        peers: places.enumerated().map { Peer($1, isSelf: $0 == rank, now: now) },
        listeningSince: now, lastLoop: now))
    let thread = Thread { [weak self] in
      var all = sigset_t()
      sigfillset(&all)
      pthread_sigmask(SIG_BLOCK, &all, nil)
      while let self, self.isOpen { self.turn() }
    }
    thread.stackSize = 1 << 20
    thread.start()
  }

  func stop() { state.withLock { $0.isOpen = false } }

  private var isOpen: Bool { state.withLock { $0.isOpen } }

  // MARK: What this rank says

  /// What it is at, for the messages of others. Also a mark of progress.
  func enter(_ phase: String) {
    let isNews = state.withLock { state in
      state.marks += 1
      guard state.phase != phase else { return false }
      state.phase = phase
      // A few more signs of life, so that the last one of a rank that dies says what it was at.
      let early = monotonicSeconds() + 0.75 * state.interval
      guard state.nextPulse < early else { return false }
      state.nextPulse = 0
      return true
    }
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
  func setInterval(_ seconds: Double) {
    state.withLock { ($0.interval, $0.nextPulse) = (seconds, 0) }
    wake()
  }

  /// Ends the process with `code` unless `stop` comes in time: for calls that only a thread that
  /// is not in them can give up.
  func arm(seconds: Double, code: Int32, text: String) {
    state.withLock {
      $0.armed = Armed(deadline: monotonicSeconds() + seconds, code: code, text: text)
    }
  }

  // MARK: The thread

  private func turn() {
    let now = monotonicSeconds()
    let (next, pulse, armed) = state.withLock { state in
      // A process that was stopped for a while has not heard what was said meanwhile.
      if now - state.lastLoop > 3 * state.interval + 1 { state.listeningSince = now }
      state.lastLoop = now
      let isDue = now >= state.nextPulse
      if isDue { state.nextPulse = now + state.interval }
      return (state.nextPulse, isDue ? state.pulse(run, rank) : nil, state.armed)
    }
    if let armed, now > armed.deadline { armed.leave() }
    guard let socket else {
      usleep(20_000)
      return
    }
    if let pulse { send(pulse) }
    let most = armed == nil ? 1 : 0.1
    socket.wait(seconds: min(next - monotonicSeconds(), most))
    while let (datagram, sender) = socket.receive() { hear(datagram, from: sender) }
  }

  private func send(_ pulse: Datagram) {
    let bytes = pulse.bytes
    let targets = state.withLock { $0.peers.filter { !$0.isSelf }.map(\.targets) }
    for target in targets.joined() { socket?.send(bytes, to: target) }
  }

  private func hear(_ datagram: Datagram, from sender: DatagramAddress) {
    guard datagram.run == run else { return }
    let answer: Datagram? = state.withLock { state in
      guard state.peers.indices.contains(datagram.rank), datagram.rank != rank else { return nil }
      state.peers[datagram.rank].heard(datagram, from: sender, now: monotonicSeconds())
      let (a, b, c) = datagram.numbers
      switch datagram.kind {
      case .pulse: return nil
      case .grant:
        state.granted = (Int(a), Int(b), Int(c))
        return nil
      case .request:
        guard let part = state.grant(round: Int(a), number: Int(b), to: datagram.rank) else {
          return nil
        }
        return Datagram(.grant, run: run, rank: rank, a, b, Int64(part))
      }
    }
    if let answer { socket?.send(answer.bytes, to: sender) }
  }

  // MARK: What this rank knows of others

  /// Ranks that nothing was ever heard of.
  var unheard: [Int] {
    state.withLock { state in
      state.peers.indices.filter { !state.peers[$0].isSelf && state.peers[$0].lastHeard == nil }
    }
  }

  /// Whom the collective number `index` waits for, if there is reason to give up.
  ///
  /// - Parameters:
  ///   - limit: seconds of silence, of standing still, or of an exchange among all that are allowed.
  ///   - blindLimit: seconds to wait for ranks that were never heard.
  ///   - began: when this rank began to wait.
  /// - Returns: nil to go on waiting; empty where all ranks take part and still nothing moves.
  func absentees(
    at index: Int, since began: Double, limit: Double, blindLimit: Double
  ) -> [Stall.Absent]? {
    state.withLock { state in
      let now = monotonicSeconds()
      let start = max(began, state.listeningSince)
      var absent: [Stall.Absent] = []
      var allCame = true
      var lastCame = start
      for (rank, peer) in state.peers.enumerated() where !peer.isSelf {
        func note(_ reason: Stall.Reason, _ seconds: Double) {
          absent.append(
            .init(
              rank: rank, hostName: peer.place.hostName, reason: reason, seconds: seconds,
              phase: peer.phase))
        }
        guard let lastHeard = peer.lastHeard else {
          if now - start > blindLimit { note(.unheard, now - start) }
          allCame = false
          continue
        }
        let silence = now - max(lastHeard, state.listeningSince)
        let standing = now - max(peer.lastWork, start)
        let markless = now - max(peer.lastMark, state.listeningSince)
        if silence > limit, now - start > min(1, limit) {
          note(.silent, silence)
        } else if peer.collectives >= index {
          lastCame = max(lastCame, peer.lastMark)
        } else if standing > limit {
          allCame = false
          note(.stuck, standing)
        } else if markless > Self.longestMarkless * limit {
          allCame = false
          note(.stuck, markless)
        } else {
          allCame = false
        }
      }
      if !absent.isEmpty { return absent }
      return allCame && now - lastCame > limit ? [] : nil
    }
  }

  /// A rank that uses CPU time without any other progress is believed for so many limits: an hour
  /// with the default.
  private static let longestMarkless = 30.0

  // MARK: Work

  /// The next part of `round` for rank 0 itself.
  func takeLocally(round: Int, number: Int) -> Int? {
    state.withLock { $0.grant(round: round, number: number, to: rank) }
  }

  /// Asks rank 0 once more; gives its answer when it is there.
  func granted(round: Int, number: Int) -> Int? {
    state.withLock { state in
      guard let granted = state.granted, granted.round == round, granted.number == number else {
        return nil
      }
      return granted.part
    }
  }

  func request(round: Int, number: Int) {
    let targets = state.withLock { $0.peers[0].targets }
    let bytes = Datagram(.request, run: run, rank: rank, Int64(round), Int64(number), 0).bytes
    for target in targets { socket?.send(bytes, to: target) }
  }
}

/// What the thread and the rank share.
private struct State {
  var peers: [Peer]
  var isOpen = true
  var phase = "start"
  var marks = 0
  var collectives = 0
  var interval = 0.5
  var nextPulse = 0.0
  /// Since when this process has listened without a gap.
  var listeningSince: Double
  var lastLoop: Double
  var armed: Armed?

  /// Of rank 0: the counter of the round, and each rank's last answer, for doubled requests.
  var round = -1
  var nextPart = 0
  var answers: [Int: (round: Int, number: Int, part: Int)] = [:]
  var granted: (round: Int, number: Int, part: Int)?

  func pulse(_ run: UInt64, _ rank: Int) -> Datagram {
    var used = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used)
    return Datagram(
      .pulse, run: run, rank: rank, Int64(collectives), Int64(marks),
      Int64(used.tv_sec) * 1_000_000 + Int64(used.tv_nsec) / 1000, text: phase)
  }

  /// The part that `rank` gets; the same again where it asks again. Nil for a round that is over.
  mutating func grant(round: Int, number: Int, to rank: Int) -> Int? {
    if let last = answers[rank], last.round == round, last.number == number { return last.part }
    guard round >= self.round else { return nil }
    if round > self.round { (self.round, nextPart) = (round, 0) }
    defer { nextPart += 1 }
    answers[rank] = (round, number, nextPart)
    return nextPart
  }
}

private struct Peer {
  let place: Heartbeats.Place
  let isSelf: Bool
  var lastHeard: Double?
  /// When it last got on: another phase, mark or collective.
  var lastMark: Double
  /// When it last got on or was seen computing.
  var lastWork: Double
  var phase = ""
  var collectives = 0
  private var marks: Int64 = -1
  private var processorTime: Int64 = 0
  private var lastPulse: Double
  private var sender: DatagramAddress?

  init(_ place: Heartbeats.Place, isSelf: Bool, now: Double) {
    (self.place, self.isSelf) = (place, isSelf)
    (lastMark, lastWork, lastPulse) = (now, now, now)
  }

  /// Where it was heard from, else all of its host's addresses.
  var targets: [DatagramAddress] {
    if let sender { return [sender] }
    return place.addresses.map { DatagramAddress(address: $0, port: place.port) }
  }

  mutating func heard(_ datagram: Datagram, from sender: DatagramAddress, now: Double) {
    lastHeard = now
    self.sender = sender
    guard datagram.kind == .pulse else { return }
    let (collectives, marks, time) = datagram.numbers
    if Int(collectives) != self.collectives || marks != self.marks {
      (lastMark, lastWork) = (now, now)
    }
    // Half a percent of one core, and a millisecond: more than its own signs of life cost.
    if Double(time - processorTime) > 1000 + 5000 * (now - lastPulse) { lastWork = now }
    (self.collectives, self.marks, processorTime) = (Int(collectives), marks, time)
    (lastPulse, phase) = (now, datagram.text)
  }
}

/// A limit for a call that blocks.
private struct Armed {
  var deadline: Double
  var code: Int32
  var text: String

  func leave() -> Never {
    let line = Array("peqa: \(text)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    _exit(code)
  }
}

func monotonicSeconds() -> Double {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
}
