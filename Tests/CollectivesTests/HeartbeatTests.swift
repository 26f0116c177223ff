import Collectives
import Foundation
import Testing

/// Rank 0's thread on a real socket, with the test as rank 1 and as everybody else.
@Suite struct HeartbeatTests {
  private let key = DatagramKey()
  private let (own, peer): (DatagramSocket, DatagramSocket)
  private let rankZero: Heartbeats
  private let target: DatagramAddress

  init() throws {
    own = try #require(DatagramSocket(onlyThisHost: true))
    peer = try #require(DatagramSocket(onlyThisHost: true))
    let endpoints = [own, peer].map {
      Endpoint(hostName: "here", port: $0.port, addresses: [DatagramAddress.loopback])
    }
    rankZero = Heartbeats(key: key, rank: 0, endpoints: endpoints, socket: own)
    target = DatagramAddress(address: DatagramAddress.loopback, port: own.port)
  }

  /// The next answer that is no pulse; nil after 5 s.
  private func answer() -> Datagram? {
    let end = Date() + 5
    while Date() < end {
      peer.wait(seconds: 0.1)
      while let (datagram, _) = peer.receive(key) {
        if let datagram, datagram.kind == .assignment { return datagram }
      }
    }
    return nil
  }

  private func request(_ sequence: UInt64, round: Int64) -> Datagram {
    Datagram(.request, from: 1, to: 0, sequence: sequence, round, 0, 0)
  }

  /// A claim of the true rank, whose answer shows that all that was sent before has been read.
  private func claim(_ sequence: UInt64) throws -> [Int64] {
    peer.send(request(sequence, round: 0).sealed(with: key), to: target)
    let grant = try #require(answer())
    return [grant.numbers.0, grant.numbers.1, grant.numbers.2]
  }

  @Test func whatIsNotAuthenticHasNoEffect() throws {
    defer { rankZero.stop() }
    let stranger = try #require(DatagramSocket(onlyThisHost: true))
    let pulse = Datagram(.pulse, from: 1, sequence: 9, 1, 1, 1, text: "forged")
    let sealed = pulse.sealed(with: key)
    var flipped = sealed
    flipped[flipped.count - 1] ^= 1
    // Of another run; the run's own number under another key; cut; changed; without a code.
    let other = pulse.sealed(with: DatagramKey())
    let run = sealed[5..<13]
    let bad = [
      other, Array(other[..<5] + run + other[13...]), Array(sealed.dropLast()), flipped,
      Array(sealed.dropLast(16)), request(9, round: 1).sealed(with: DatagramKey()), [],
    ]
    for bytes in bad { for sender in [stranger, peer] { sender.send(bytes, to: target) } }
    #expect(try claim(1) == [0, 0, 0])
    #expect(rankZero.peers.phase(of: 1).isEmpty)
    stranger.wait(seconds: 0.2)
    #expect(stranger.receive(key)?.0 == nil, "nothing is sent to strangers")
  }

  @Test func replaysAndNumbersOutOfRangeHaveNoEffect() throws {
    defer { rankZero.stop() }
    let stranger = try #require(DatagramSocket(onlyThisHost: true))
    func send(_ datagram: Datagram, _ sender: DatagramSocket) {
      sender.send(datagram.sealed(with: key), to: target)
    }
    let first = Datagram(.pulse, from: 1, sequence: 1, 1, 1, .max >> 12, text: "first")
    // From elsewhere: somebody sends on what the true rank has sent.
    send(first, stranger)
    send(Datagram(.pulse, from: 1, sequence: 2, 1, 1, 1, text: "second"), peer)
    send(first, stranger)
    send(Datagram(.pulse, from: 1, sequence: 3, 1, 1, .min, text: "below"), peer)
    send(Datagram(.pulse, from: 1, sequence: 4, 1, 1, .max, text: "above"), peer)
    send(request(1, round: 1 << 53), peer)
    send(request(2, round: -1), peer)
    #expect(try claim(3) == [0, 0, 0])
    #expect(rankZero.peers.phase(of: 1) == "second")
    stranger.wait(seconds: 0.2)
    #expect(stranger.receive(key)?.0 == nil)
  }

  /// The kernel doubles what is asked, and gives `rmem_max` twice at most.
  @Test func theSocketHasRoomForManyRanks() throws {
    defer { rankZero.stop() }
    let text = try String(contentsOfFile: "/proc/sys/net/core/rmem_max", encoding: .utf8)
    let most = try #require(Int(text.trimmingCharacters(in: .whitespacesAndNewlines)))
    #expect(own.room == 2 * min(4 << 20, most))
  }
}
