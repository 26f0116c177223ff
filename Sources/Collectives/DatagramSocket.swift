internal import Foundation

/// Where a datagram goes to or came from; IPv4.
struct DatagramAddress: Equatable, Hashable {
  /// In network byte order, both.
  var address: UInt32
  var port: UInt16

  static let loopback = INADDR_LOOPBACK.bigEndian
}

/// A UDP socket that never blocks.
///
/// Datagrams may be lost, doubled or disordered; the users of this one send again and do not care.
/// Being no part of MPI it works from a thread of its own while the rank computes, which Open MPI's
/// messages do not: they move only inside MPI calls.
final class DatagramSocket: Sendable {
  let descriptor: Int32
  let port: UInt16

  /// Nil where the system has no IPv4 or no descriptor left.
  init?(onlyThisHost: Bool) {
    let made = socket(AF_INET, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard made >= 0 else { return nil }
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_addr.s_addr = onlyThisHost ? DatagramAddress.loopback : INADDR_ANY.bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &place) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(made, $0, length) == 0 && getsockname(made, $0, &length) == 0
      }
    }
    guard bound, fcntl(made, F_SETFL, O_NONBLOCK) == 0 else {
      close(made)
      return nil
    }
    descriptor = made
    port = place.sin_port
  }

  deinit { close(descriptor) }

  /// What cannot be sent is as good as lost on the way.
  func send(_ bytes: [UInt8], to target: DatagramAddress) {
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_port = target.port
    place.sin_addr.s_addr = target.address
    withUnsafePointer(to: &place) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = sendto(
          descriptor, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  /// The next datagram that is there, and who sent it.
  func receive() -> (Datagram, DatagramAddress)? {
    var place = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    return withUnsafeTemporaryAllocation(byteCount: Datagram.maximumSize + 1, alignment: 8) {
      buffer in
      while true {
        let count = withUnsafeMutablePointer(to: &place) {
          $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            recvfrom(descriptor, buffer.baseAddress, buffer.count, 0, $0, &length)
          }
        }
        guard count >= 0 else { return nil }
        let bytes = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count])
        if let datagram = Datagram(bytes) {
          return (datagram, DatagramAddress(address: place.sin_addr.s_addr, port: place.sin_port))
        }
      }
    }
  }

  /// Sleeps until something is there to receive, at most so long.
  func wait(seconds: Double) {
    var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    _ = poll(&wanted, 1, Int32(max(1, seconds * 1000)))
  }

  /// Addresses of this host, at most 8, that of the loopback last.
  static func ownAddresses() -> [UInt32] {
    let found = NetworkInterface.current().filter { !$0.isLoopback }.map(\.networkOrder)
    return Array(found.prefix(7)) + [DatagramAddress.loopback]
  }
}
