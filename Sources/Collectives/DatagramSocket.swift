internal import Foundation

/// Where a datagram goes to or came from; IPv4.
package struct DatagramAddress: Equatable, Hashable, Sendable {
  /// In network byte order, both.
  package var address: UInt32
  package var port: UInt16

  package init(address: UInt32, port: UInt16) { (self.address, self.port) = (address, port) }

  package static let loopback: UInt32 = INADDR_LOOPBACK.bigEndian
}

/// A UDP socket that never blocks.
///
/// Datagrams may be lost, doubled or disordered; the users of this one send again and do not care.
/// Being no part of MPI it works from a thread of its own while the rank computes, which Open MPI's
/// messages do not: they move only inside MPI calls.
package final class DatagramSocket: Sendable {
  private let descriptor: Int32
  /// In network byte order.
  package let port: UInt16

  /// Nil where the system has no IPv4 or no descriptor left.
  package init?(onlyThisHost: Bool) {
    let made = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard made >= 0 else { return nil }
    var endpoint = sockaddr_in()
    endpoint.sin_family = sa_family_t(AF_INET)
    endpoint.sin_addr.s_addr = onlyThisHost ? DatagramAddress.loopback : INADDR_ANY.bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &endpoint) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(made, $0, length) == 0 && getsockname(made, $0, &length) == 0
      }
    }
    guard bound, fcntl(made, F_SETFL, O_NONBLOCK) == 0 else {
      close(made)
      return nil
    }
    Self.makeRoom(made)
    descriptor = made
    port = endpoint.sin_port
  }

  /// Room for the signs of life of some thousand ranks that come at once: about 800 bytes each. The
  /// system gives less where `net.core.rmem_max` is lower.
  private static func makeRoom(_ descriptor: Int32) {
    var bytes: Int32 = 4 << 20
    setsockopt(
      descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
  }

  /// Bytes that datagrams may take, with the system's own records of them, until they are received.
  package var room: Int {
    var (bytes, length): (Int32, socklen_t) = (0, socklen_t(MemoryLayout<Int32>.size))
    return getsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, &length) == 0 ? Int(bytes) : 0
  }

  deinit { close(descriptor) }

  /// What cannot be sent is as good as lost on the way.
  package func send(_ bytes: [UInt8], to target: DatagramAddress) {
    var endpoint = sockaddr_in()
    endpoint.sin_family = sa_family_t(AF_INET)
    endpoint.sin_port = target.port
    endpoint.sin_addr.s_addr = target.address
    withUnsafePointer(to: &endpoint) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = sendto(
          descriptor, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  /// The next that is there, and where it came from; nil where there is none. Its datagram is nil
  /// where it is not one under `key`.
  package func receive(_ key: DatagramKey) -> (Datagram?, DatagramAddress)? {
    var endpoint = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    return withUnsafeTemporaryAllocation(byteCount: Datagram.maximumSize + 1, alignment: 8) {
      buffer in
      let count = withUnsafeMutablePointer(to: &endpoint) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          recvfrom(descriptor, buffer.baseAddress, buffer.count, 0, $0, &length)
        }
      }
      guard count >= 0 else { return nil }
      let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
      let sender = DatagramAddress(address: endpoint.sin_addr.s_addr, port: endpoint.sin_port)
      return (Datagram(opening: bytes, with: key), sender)
    }
  }

  /// Sleeps until something is there to receive, at most so long.
  package func wait(seconds: Double) {
    var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    _ = poll(&wanted, 1, Int32(max(1, seconds * 1000)))
  }

  /// Addresses of this host, at most 32, that of the loopback last.
  static func ownAddresses() -> [UInt32] {
    let found = NetworkInterface.current().filter { !$0.isLoopback }.map(\.networkOrder)
    return Array(found.prefix(31)) + [DatagramAddress.loopback]
  }
}
