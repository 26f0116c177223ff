/// All ranks of a run as one of them knows them, and the rule by which it gives up waiting.
///
/// A value without a clock, a socket or a thread: `Heartbeats` gives it what it hears, and the
/// time.
package struct PeerTable: Sendable {
  private let rank: Int
  private var peers: [Peer]
  /// Since when this process has listened without a gap.
  private var listeningSince: Double
  private var lastLoop: Double

  /// - Parameter endpoints: of all ranks, `rank` included.
  package init(rank: Int, endpoints: [Endpoint], now: Double) {
    self.rank = rank
    (listeningSince, lastLoop) = (now, now)
    peers = endpoints.enumerated().map { Peer($1, isSelf: $0 == rank, now: now) }
  }

  package var count: Int { peers.count }

  /// Ranks that nothing was ever heard of.
  package var unheard: [Int] {
    peers.indices.filter { !peers[$0].isSelf && peers[$0].lastHeard == nil }
  }

  /// The phase that a rank has last told; empty where unknown.
  package func phase(of rank: Int) -> String { peers[rank].phase }

  func targets(of rank: Int) -> [DatagramAddress] {
    peers.indices.contains(rank) ? peers[rank].targets : []
  }

  /// Where a pulse goes: all other ranks, those behind this one first, so that not all ranks send
  /// to the same one at the same time.
  package var pulseTargets: [DatagramAddress] {
    (1..<max(1, peers.count)).flatMap { peers[(rank + $0) % peers.count].targets }
  }

  /// To be told often: a process that was stopped for a while has not heard what was said
  /// meanwhile.
  package mutating func isListening(now: Double, interval: Double) {
    if now - lastLoop > 3 * interval + 1 { listeningSince = now }
    lastLoop = now
  }

  /// Notes an authentic datagram.
  ///
  /// - Returns: whether it is for this rank, from another one, new, and within the range of its
  ///   kind.
  package mutating func hears(
    _ datagram: Datagram, from address: DatagramAddress, now: Double
  ) -> Bool {
    let sender = datagram.sender
    guard peers.indices.contains(sender), sender != rank,
      datagram.recipient == nil || datagram.recipient == rank
    else { return false }
    switch datagram.kind {
    case .pulse: break
    case .request where rank != 0: return false
    case .assignment where sender != 0: return false
    case .request, .assignment: guard datagram.recipient == rank else { return false }
    }
    return peers[sender].hears(datagram, from: address, now: now)
  }

  /// A rank that uses CPU time without any other progress is believed for so many limits: an hour
  /// with the default.
  private static let longestMarkless = 30.0

  /// Whom the collective number `index` waits for, if there is reason to give up.
  ///
  /// - Parameters:
  ///   - limit: seconds of silence, of standing still, or of an exchange among all that are
  ///     allowed.
  ///   - blindLimit: seconds to wait for ranks that were never heard.
  ///   - began: when this rank began to wait.
  /// - Returns: nil to go on waiting; empty where all ranks take part and still nothing moves.
  package func absentees(
    at index: Int, since began: Double, limit: Double, blindLimit: Double, now: Double
  ) -> [Stall.Absent]? {
    let start = max(began, listeningSince)
    var absent: [Stall.Absent] = []
    var allCame = true
    var lastCame = start
    for (rank, peer) in peers.enumerated() where !peer.isSelf {
      let silence = peer.lastHeard.map { now - max($0, listeningSince) }
      if let silence, silence <= limit || now - start <= min(1, limit), peer.collectives >= index {
        lastCame = max(lastCame, peer.lastMark)
        continue
      }
      allCame = false
      let fault = fault(of: peer, start: start, limit: limit, blindLimit: blindLimit, now: now)
      guard let (reason, seconds) = fault else { continue }
      absent.append(
        .init(
          rank: rank, hostName: peer.endpoint.hostName, reason: reason, seconds: seconds,
          phase: peer.phase))
    }
    if !absent.isEmpty { return absent }
    return allCame && now - lastCame > limit ? [] : nil
  }

  /// Why a rank that has not come need not be waited for, and since how many seconds; nil: it must
  /// be.
  private func fault(
    of peer: Peer, start: Double, limit: Double, blindLimit: Double, now: Double
  ) -> (Stall.Reason, Double)? {
    guard let lastHeard = peer.lastHeard else {
      return now - start > blindLimit ? (.unheard, now - start) : nil
    }
    let silence = now - max(lastHeard, listeningSince)
    if silence > limit, now - start > min(1, limit) { return (.silent, silence) }
    let standing = now - max(peer.lastWork, start)
    if standing > limit { return (.stuck, standing) }
    let markless = now - max(peer.lastMark, listeningSince)
    return markless > Self.longestMarkless * limit ? (.stuck, markless) : nil
  }
}
