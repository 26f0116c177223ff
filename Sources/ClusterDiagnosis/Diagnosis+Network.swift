internal import Collectives
internal import Foundation
internal import Reporting

// Addresses, clocks and what the ring test has measured.
extension Diagnosis {
  /// Clocks further apart than this make logs and file times misleading.
  private static let clockLimit = 1.0
  /// Bytes a second between hosts; 100 Mbit/s.
  private static let slowLink = 12.5e6

  var network: [Finding] {
    guard hosts.count > 1 else { return unheard }
    var found = unheard
    let firsts = hosts.map { $0.ranks[0] }
    found += duplicates(firsts)
    for first in firsts.dropFirst() where !firsts[0].interfaces.isEmpty {
      guard !first.interfaces.isEmpty, !sharesNetwork(first, firsts[0]) else { continue }
      found.append(
        .warning(
          .network, "\(firsts[0].host) and \(first.host) have no network in common",
          at: first.host,
          remedy: "look at the addresses of both (\"ip address\"); routed networks are slower and "
            + "Open MPI may refuse them"))
    }
    if found.isEmpty {
      found.append(.ok(.network, "\(hosts.count) hosts, addresses all different"))
    }
    return found
  }

  private var unheard: [Finding] {
    guard let silent = ranks.first?.unheard, !silent.isEmpty else { return [] }
    let names = silent.map { number in
      ranks.first { $0.rank == number }?.name ?? "rank \(number)"
    }
    return [
      .warning(
        .network, "no signs of life (UDP) come through", at: names.joined(separator: ", "),
        remedy: "open UDP between the hosts, or raise comm_timeout above the longest step")
    ]
  }

  /// Bridges of containers and virtual machines have the same address everywhere. Open MPI then
  /// takes one host's bridge for a way to another, and hangs.
  private func duplicates(_ firsts: [RankFacts]) -> [Finding] {
    var owners: [String: [(host: String, interface: String)]] = [:]
    for rank in firsts {
      for interface in rank.interfaces where Self.isOutside(interface) {
        owners[interface.address, default: []].append((rank.host, interface.name))
      }
    }
    let environment = firsts[0].environment
    return owners.filter { $0.value.count > 1 }.sorted { $0.key < $1.key }.compactMap {
      address, owners in
      if Self.leavesOut(address, owners.map(\.interface), environment) { return nil }
      let hosts = owners.map(\.host)
      let good = usable(firsts)
      return .warning(
        .network,
        "\(owners[0].interface) has the address \(address) on \(hosts.count) hosts: Open MPI may "
          + "take it for a way between them, and hang",
        at: hosts.joined(separator: ", "),
        remedy: "mpirun --mca btl_tcp_if_include \(good) --mca oob_tcp_if_include \(good)")
    }
  }

  /// The network that all hosts are on with different addresses, as `10.0.0.0/24`.
  private func usable(_ firsts: [RankFacts]) -> String {
    for one in firsts[0].interfaces where Self.isOutside(one) {
      let network = Self.network(of: one)
      let same = firsts.compactMap { rank in
        rank.interfaces.first { Self.network(of: $0) == network }?.address
      }
      if Set(same).count == firsts.count, let network { return network }
    }
    return "NETWORK/BITS"
  }

  private func sharesNetwork(_ one: RankFacts, _ other: RankFacts) -> Bool {
    let networks = Set(other.interfaces.filter(Self.isOutside).compactMap(Self.network))
    return one.interfaces.filter(Self.isOutside).contains {
      Self.network(of: $0).map(networks.contains) ?? false
    }
  }

  private static func isOutside(_ interface: RankFacts.Interface) -> Bool {
    !interface.address.hasPrefix("127.")
  }

  /// `10.0.0.0/24` of an address in it; nil where the address is no IPv4 address.
  static func network(of interface: RankFacts.Interface) -> String? {
    guard let address = number(interface.address), (0...32).contains(interface.prefixLength) else {
      return nil
    }
    let mask = interface.prefixLength == 0 ? 0 : UInt32.max << (32 - interface.prefixLength)
    let base = address & mask
    return NetworkInterface.text(base) + "/\(interface.prefixLength)"
  }

  private static func number(_ address: String) -> UInt32? {
    let parts = address.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
    guard parts.count == 4 else { return nil }
    return parts.reduce(UInt32?(0)) { sum, part in
      guard let sum, let part else { return nil }
      return sum << 8 | UInt32(part)
    }
  }

  /// Whether Open MPI has been told not to use an interface, by `if_include` or `if_exclude`.
  private static func leavesOut(
    _ address: String, _ interfaces: [String], _ environment: [String: String]
  ) -> Bool {
    func list(_ name: String) -> [String]? {
      environment["OMPI_MCA_\(name)"].map {
        $0.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
      }
    }
    func holds(_ entry: String) -> Bool {
      let parts = entry.split(separator: "/")
      guard parts.count == 2, let bits = Int(parts[1]) else { return interfaces.contains(entry) }
      func inside(_ text: String) -> String? {
        network(of: .init(name: "", address: text, prefixLength: bits))
      }
      return inside(address) == inside(String(parts[0]))
    }
    if let included = list("btl_tcp_if_include") { return !included.contains(where: holds) }
    return list("btl_tcp_if_exclude")?.contains(where: holds) ?? false
  }

  var clock: [Finding] {
    guard hosts.count > 1 else { return [] }
    let offsets = ranks.compactMap { rank in
      Self.offset(rank.clock, from: ranks[0].clock).map { (rank, $0) }
    }
    let off = offsets.filter { abs($0.1) > Self.clockLimit }
    guard let worst = off.max(by: { abs($0.1) < abs($1.1) }) else {
      let most = offsets.map { abs($0.1) }.max() ?? 0
      return [.ok(.clock, "clocks agree to \(fixed(most, digits: 3)) s")]
    }
    return [
      .warning(
        .clock,
        "the clock is \(fixed(abs(worst.1), digits: 1)) s "
          + (worst.1 > 0 ? "ahead of" : "behind")
          + " \(ranks[0].host)'s: times in logs and of files "
          + "mislead", at: off.map(\.0.name).joined(separator: ", "),
        remedy: "start a time service (chrony, systemd-timesyncd) on all hosts")
    ]
  }

  /// The median over the barriers, which a rank that was late to notice one of them does not move.
  static func offset(_ own: [Double], from other: [Double]) -> Double? {
    let differences = zip(own, other).map { $0 - $1 }.sorted()
    return differences.isEmpty ? nil : differences[differences.count / 2]
  }

  var ring: [Finding] {
    let measured = ranks.indices.compactMap {
      index -> (from: RankFacts, to: RankFacts, RankFacts.Ring)? in
      guard let ring = ranks[index].ring else { return nil }
      return (ranks[(index + ranks.count - 1) % ranks.count], ranks[index], ring)
    }
    // Links between hosts, where there are any: memory is no measure for them.
    let between = measured.filter { $0.from.host != $0.to.host }
    let links = between.isEmpty ? measured : between
    guard let slowest = links.min(by: { $0.2.bytesPerSecond < $1.2.bytesPerSecond }) else {
      return []
    }
    func gigabits(_ bytes: Double) -> String { "\(fixed(bytes * 8 / 1e9, digits: 2)) Gbit/s" }
    let rates = links.map { $0.2.bytesPerSecond }.sorted()
    let (least, median) = (rates[0], rates[rates.count / 2])
    if !between.isEmpty, least < median / 3 || least < Self.slowLink {
      return [
        .warning(
          .ring, "a link gives \(gigabits(least)), the median is \(gigabits(median))",
          at: "\(slowest.from.name) to \(slowest.to.name)",
          remedy: "look at cable, port and interface (\"ethtool\"); name the fast network with "
            + "--mca btl_tcp_if_include")
      ]
    }
    let latency = measured.map { $0.2.latency }.max() ?? 0
    return [
      .ok(
        .ring,
        "at least \(gigabits(least)) from rank to rank, "
          + "\(fixed(latency * 1e6, digits: 0)) us")
    ]
  }
}
