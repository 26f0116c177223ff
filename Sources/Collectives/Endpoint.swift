/// Where a rank may be reached by datagrams, and what its host is called, as it has announced
/// itself over MPI.
package struct Endpoint: Equatable, Sendable {
  package var hostName: String
  /// In network byte order; 0: the rank has no socket.
  package var port: UInt16
  /// IPv4, in network byte order.
  package var addresses: [UInt32]

  package init(hostName: String, port: UInt16, addresses: [UInt32]) {
    (self.hostName, self.port, self.addresses) = (hostName, port, addresses)
  }

  /// `PORT ADDRESS,ADDRESS HOST`, the form in which ranks announce themselves.
  var announcement: [UInt8] {
    Array("\(port) \(addresses.map(String.init).joined(separator: ",")) \(hostName)".utf8)
  }

  init(announcement: [UInt8]) {
    let words = String(decoding: announcement, as: UTF8.self)
      .split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
    port = words.first.flatMap { UInt16($0) } ?? 0
    addresses = words.count > 1 ? words[1].split(separator: ",").compactMap { UInt32($0) } : []
    hostName = words.count > 2 ? String(words[2]) : "unknown"
  }

  /// All addresses under which a datagram may reach the rank.
  var targets: [DatagramAddress] {
    addresses.map { DatagramAddress(address: $0, port: port) }
  }

  func announces(_ address: DatagramAddress) -> Bool {
    address.port == port && addresses.contains(address.address)
  }
}
