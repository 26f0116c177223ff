internal import Collectives
internal import ExitCodes
internal import Training

/// What every rank must have alike, compared before the first step.
///
/// Ranks read their own copies of base, data and settings. Copies that differ would train something
/// that no single machine could train again, so a difference ends the job and names the host.
struct RankAgreement {
  /// One thing that all ranks must have alike.
  private struct Item {
    /// As the message names it.
    let name: String
    /// Equal where the things are equal; without line breaks.
    let digest: String
    let remedy: String
    /// 65 for files, 78 for settings.
    let exitCode: Int32
  }

  private var items: [Item] = []

  mutating func file(_ name: String, _ digest: String) {
    items.append(
      Item(
        name: name, digest: digest,
        remedy: "Copy the same files to all hosts, or use a folder that all of them share.",
        exitCode: 65))
  }

  mutating func setting(_ name: String, _ value: String, remedy: String) {
    items.append(Item(name: name, digest: value, remedy: remedy, exitCode: 78))
  }

  /// Throws on all ranks alike where one of them differs.
  func check(_ communicator: Communicator) throws {
    guard communicator.size > 1 else { return }
    let own = items.map { $0.digest.split(separator: "\n").joined(separator: " ") }
    let all = try communicator.allGather(Array(own.joined(separator: "\n").utf8)).map {
      String(decoding: $0, as: UTF8.self).split(
        separator: "\n", omittingEmptySubsequences: false
      ).map(String.init)
    }
    for (index, item) in items.enumerated() {
      let seen = all.map { index < $0.count ? $0[index] : "nothing" }
      guard let difference = Self.difference(seen) else { continue }
      throw RanksDiffer(
        what: item.name, rank: communicator.name(ofRank: difference.rank),
        found: seen[difference.rank], others: seen[difference.reference],
        reference: communicator.name(ofRank: difference.reference), remedy: item.remedy,
        exitCode: item.exitCode)
    }
  }

  /// The first rank that has not what most ranks have, and the first of those; nil where all agree.
  /// Of two halves the one with rank 0 counts as right.
  static func difference(_ seen: [String]) -> (rank: Int, reference: Int)? {
    var counts: [String: Int] = [:]
    for value in seen { counts[value, default: 0] += 1 }
    guard counts.count > 1, let most = counts.values.max() else { return nil }
    guard let reference = seen.firstIndex(where: { counts[$0] == most }),
      let rank = seen.firstIndex(where: { $0 != seen[reference] })
    else { return nil }
    return (rank, reference)
  }
}

/// Two ranks have different files or settings.
struct RanksDiffer: ExitCoded, CustomStringConvertible {
  let what: String
  let rank, found, others, reference: String
  let remedy: String
  let exitCode: Int32

  var description: String {
    "\(rank) has another \(what) than \(reference): \(Self.short(found)), not "
      + "\(Self.short(others)). \(remedy)"
  }

  /// Digests are long, and their beginnings differ.
  private static func short(_ text: String) -> String {
    text.utf8.count > 64 ? text.prefix(60) + "..." : text
  }
}
