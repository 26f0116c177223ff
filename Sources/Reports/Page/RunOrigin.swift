internal import RunHistory

/// The resolved run file, digests, versions, hosts and the command.
struct RunOrigin {
  private let record: RunRecord

  init(_ record: RunRecord) { self.record = record }

  var html: HTML {
    let settings = record.settings.all.map { "\($0.key): \($0.value)" }.joined(separator: "\n")
    let parts: [HTML?] = [
      command.map { Block.details("Command to repeat it", $0, isOpen: true) },
      settings.isEmpty
        ? nil : Block.details("Run file, with every default", Block.listing(settings)),
      record.life.flatMap { Self.details("Versions and hosts", versions($0)) },
      record.life.flatMap { Self.details("Digests (SHA-256)", digests($0)) },
    ]
    return parts.compactMap { $0 }.joined()
  }

  private static func details(_ title: String, _ facts: [(name: String, value: HTML)]) -> HTML? {
    facts.isEmpty ? nil : Block.details(title, Block.facts(facts))
  }

  private var command: HTML? {
    guard let life = record.life, !life.arguments.isEmpty else { return nil }
    return Block.code(RunUse.line(life.arguments, ranks: life.ranks))
  }

  private func versions(_ life: RunLife) -> [(name: String, value: HTML)] {
    let ranks =
      life.ranks == 0
      ? "" : Figures.count(life.ranks, "rank") + " of " + Figures.count(life.threads, "thread")
    let kernels = [life.kernels, life.precision].filter { !$0.isEmpty }.joined(separator: ", ")
    let commit = life.commit.isEmpty ? "" : " (commit \(life.commit))"
    let all: [(String, String)] = [
      ("peqa", life.version + commit), ("MPI", life.mpi), ("BLAS", life.blas),
      ("kernels", kernels), ("processor", life.processor),
      ("ranks", ranks), ("hosts", hosts(life)),
    ]
    return all.filter { !$0.1.isEmpty }.map { (name: $0.0, value: "\($0.1)") }
  }

  /// Each host with its number of ranks.
  private func hosts(_ life: RunLife) -> String {
    life.hosts.map { host in
      let ranks = life.rankHosts.count { $0 == host }
      return ranks > 0 ? "\(host) (\(Figures.count(ranks, "rank")))" : host
    }.joined(separator: ", ")
  }

  private func digests(_ life: RunLife) -> [(name: String, value: HTML)] {
    let all: [(String, String)] = [
      ("base", life.baseDigest), ("its config.json", life.configDigest),
      ("data", life.dataDigest), ("teacher", life.teacherDigest),
      ("adapter", record.results?.adapterDigest ?? ""),
    ]
    return all.filter { !$0.1.isEmpty }.map {
      (name: $0.0, value: "<span class=\"path\">\($0.1)</span>")
    }
  }
}
