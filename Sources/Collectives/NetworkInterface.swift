internal import Foundation

/// An IPv4 address of a network interface of this host that is up.
package struct NetworkInterface: Equatable, Sendable {
  package let name: String
  /// `10.0.0.2`.
  package let address: String
  /// Bits of the address that name the network.
  package let prefixLength: Int
  package let isLoopback: Bool
  /// The address as sockets take it.
  let networkOrder: UInt32

  /// All of this host, in the kernel's order; empty where the kernel does not tell.
  package static func current() -> [NetworkInterface] {
    var list: UnsafeMutablePointer<ifaddrs>?
    guard getifaddrs(&list) == 0 else { return [] }
    defer { freeifaddrs(list) }
    var found: [NetworkInterface] = []
    var next = list
    while let entry = next?.pointee {
      next = entry.ifa_next
      guard entry.ifa_flags & UInt32(IFF_UP) != 0, let address = number(entry.ifa_addr) else {
        continue
      }
      let mask = number(entry.ifa_netmask) ?? UInt32.max
      found.append(
        NetworkInterface(
          name: String(cString: entry.ifa_name), address: text(UInt32(bigEndian: address)),
          prefixLength: mask.nonzeroBitCount,
          isLoopback: entry.ifa_flags & UInt32(IFF_LOOPBACK) != 0, networkOrder: address))
    }
    return found
  }

  /// `10.0.0.2` of an address as a number.
  package static func text(_ address: UInt32) -> String {
    [24, 16, 8, 0].map { String(address >> UInt32($0) & 255) }.joined(separator: ".")
  }

  private static func number(_ address: UnsafeMutablePointer<sockaddr>?) -> UInt32? {
    guard let address, address.pointee.sa_family == sa_family_t(AF_INET) else { return nil }
    return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
      $0.pointee.sin_addr.s_addr
    }
  }
}
