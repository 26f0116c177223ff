/// Why a collective was given up: who did not come, and what was last known of them.
package struct Stall: Sendable, Equatable {
  package enum Reason: Sendable, Equatable {
    /// No sign of life: killed, stopped, its host down, or the network to it cut.
    case silent
    /// Signs of life, but the rank neither computes nor gets on: it waits for a disk, say.
    case stuck
    /// No sign of life ever came through, so nothing is known of it.
    case unheard
  }

  /// A rank that others wait for.
  package struct Absent: Sendable, Equatable {
    package var rank: Int
    package var hostName: String
    package var reason: Reason
    /// How long that has lasted.
    package var seconds: Double
    /// What it last said it was at; empty where unknown.
    package var phase: String
  }

  package var collective: String
  /// Seconds that this rank has waited.
  package var seconds: Double
  package var rank: Int
  package var hostName: String
  /// What this rank was at.
  package var phase: String
  /// Empty where all ranks are there and well, and only the exchange does not get on.
  package var absent: [Absent]

  /// The lowest rank that is well speaks for all.
  package var isSpeaker: Bool {
    let missing = Set(absent.map(\.rank))
    return (0..<rank).allSatisfy { missing.contains($0) }
  }
}

extension Stall: CustomStringConvertible {
  package var description: String {
    let at = phase.isEmpty ? "" : " (\(phase))"
    let head =
      "rank \(rank) on \(hostName) has waited \(Self.text(seconds)) s in \(collective)\(at)"
    let tail =
      "All ranks leave. Start again to go on from the last checkpoint; comm_timeout sets the limit."
    if absent.isEmpty {
      return """
        \(head). All ranks are there and well, but their exchange makes no progress: look at the \
        network between them. \(tail)
        """
    }
    let shown = absent.prefix(8).map(\.description).joined(separator: "; ")
    let more = absent.count > 8 ? "; and \(absent.count - 8) more" : ""
    return "\(head) for \(shown)\(more). \(tail)"
  }

  static func text(_ seconds: Double) -> String {
    seconds < 10 ? "\((seconds * 10).rounded() / 10)" : "\(Int(seconds.rounded()))"
  }
}

extension Stall.Absent: CustomStringConvertible {
  package var description: String {
    let last = phase.isEmpty ? "" : ", last phase: \(phase)"
    switch reason {
    case .silent:
      return """
        rank \(rank) on \(hostName), silent for \(Stall.text(seconds)) s\(last) (killed, stopped, \
        host down or network cut)
        """
    case .stuck:
      return """
        rank \(rank) on \(hostName), alive but without progress for \(Stall.text(seconds)) s\(last)
        """
    case .unheard:
      return """
        rank \(rank) on \(hostName), of which no sign of life ever came through (UDP between the \
        hosts blocked?)
        """
    }
  }
}
