internal import ArgumentParser
internal import Checkpoints
internal import ClusterDiagnosis
internal import Collectives
internal import Datasets
internal import DecoderModel
internal import Foundation
internal import Kernels
internal import Training

/// Asks a teacher about the training sequences, once for all ranks and runs.
///
/// The sequences lie in files, in the order in which the first epoch meets them; only those that
/// the run will meet are made. Ranks that share a folder share out what is missing there; a run
/// that is stopped goes on with what it has.
struct TeacherPreparation {
  let teacher: Teacher
  let config: RunConfig
  let base: DecoderConfig
  let data: TokenDataset
  let compute: Compute
  /// Of the caches.
  let folder: String
  let rank: RankContext
  let signals: StopSignals

  /// A large teacher takes minutes for a file. Only for ranks whose signs of life do not come
  /// through.
  private static let patience = 6 * 3600.0

  private var communicator: Communicator { rank.communicator }

  /// Makes what is missing and compares all. All ranks call it together.
  func callAsFunction(_ cache: TeacherCache) throws {
    communicator.blindTimeout = Self.patience
    defer { communicator.blindTimeout = nil }
    try make(in: cache)
    try compare(cache)
  }

  /// - Parameter digest: `weightsDigest`.
  func cache(ofWeights digest: String, kernels: String) -> TeacherCache {
    TeacherCache(
      folder: folder,
      identity: TeacherIdentity(
        weights: digest, config: teacher.config.digest, data: data.digest, seed: config.seed,
        kernels: kernels, question: teacher.question),
      shards: shards, config: base)
  }

  private var order: DataOrder { DataOrder(config, of: data.count) }

  private var shards: TeacherShards {
    TeacherShards(order, lengths: (0..<data.count).map { data.length(at: $0) })
  }

  /// Files that the run will meet.
  private func needed(_ cache: TeacherCache) -> Range<Int> {
    let steps = config.steps(order)
    let used = steps.multipliedReportingOverflow(by: config.globalBatchSize)
    return
      0..<cache.shards.needed(
        forSequences: used.overflow ? data.count : min(data.count, used.partialValue))
  }

  /// The first rank of each node reads its copy of the teacher; all ranks call it together.
  func weightsDigest() throws -> String {
    communicator.blindTimeout = Self.patience
    defer { communicator.blindTimeout = nil }
    if let warning = teacher.warning { rank.console.warn(warning) }
    var digest = ""
    try rank.agree {
      guard communicator.nodeRank == 0 else {
        return communicator.beginPhase("waiting for the teacher's digest")
      }
      digest = try teacher.digest { done in
        try stopWhereAsked()
        communicator.beginPhase("reading the teacher, \(Int(done * 100)) %")
      }
    }
    let all = try communicator.allGather(Array(digest.utf8))
    let first = String(decoding: all[0], as: UTF8.self)
    var agreement = RankAgreement()
    agreement.file("teacher", digest.isEmpty ? first : digest)
    try agreement.check(communicator)
    return first
  }

  private func stopWhereAsked() throws {
    if let request = signals.received { throw ExitCode(request.exitCode) }
  }

  /// Ranks that write to the same folder as this one, and its place among them.
  private func sharers() throws -> (ranks: [Int], place: Int) {
    let builder = try FolderProbe.builder(in: folder, communicator)
    let builders = try communicator.allGather(Array("\(builder)".utf8))
    let ranks = builders.indices.filter { builders[$0] == builders[communicator.rank] }
    return (ranks, ranks.firstIndex(of: communicator.rank) ?? 0)
  }

  private func make(in cache: TeacherCache) throws {
    let (sharers, place) = try sharers()
    var found: [Int] = []
    try rank.agree {
      if place == 0 { TemporaryFiles.removeAbandoned(from: folder, suffix: ".teacher") }
      for shard in needed(cache) where shard % sharers.count == place {
        try stopWhereAsked()
        communicator.beginPhase("looking at what the teacher has said")
        if try !cache.has(shard) { found.append(shard) }
      }
    }
    let lists = try communicator.allGather(
      Array(found.map(String.init).joined(separator: " ").utf8)
    ).map { String(decoding: $0, as: UTF8.self).split(separator: " ").compactMap { Int($0) } }
    // Every rank goes through as many rounds as the one that has most to do.
    guard lists.contains(where: { !$0.isEmpty }) else {
      return rank.console.log("teacher: \(needed(cache).count) files of its answers reused")
    }
    let missing = sharers.flatMap { lists[$0] }.sorted()
    let rounds =
      try communicator.allGather(
        Array("\((missing.count + sharers.count - 1) / sharers.count)".utf8)
      ).compactMap { Int(String(decoding: $0, as: UTF8.self)) }.max() ?? 0
    let own = missing.indices.filter { $0 % sharers.count == place }.map { missing[$0] }
    try ask(own, of: missing, in: cache, rounds: rounds)
  }

  /// Makes the files of this rank, one a round; a rank that fails ends all after the round.
  private func ask(
    _ own: [Int], of missing: [Int], in cache: TeacherCache, rounds: Int
  ) throws {
    let total = missing.reduce(0) { $0 + tokens(of: $1, cache) }
    rank.console.log(
      "teacher: \(teacher.path) answers for \(missing.count) files in \(folder), \(total) tokens")
    var decoder: Decoder?
    try rank.agree {
      guard !own.isEmpty else { return }
      communicator.beginPhase("opening the teacher")
      let model = try LoadedModel.open(teacher.path)
      decoder = Decoder(config: model.config, weights: model.weights, compute: compute)
    }
    let line = ProgressLine(rank.console, "teacher, tokens", total: total)
    let share = Double(total) / Double(max(1, own.reduce(0) { $0 + tokens(of: $1, cache) }))
    var done = 0
    for round in 0..<rounds {
      try rank.agree {
        guard let decoder, round < own.count else {
          return communicator.beginPhase("waiting for the teacher of other ranks")
        }
        try cache.make(own[round], with: decoder, of: data) { tokens in
          try stopWhereAsked()
          done += tokens
          communicator.beginPhase("asking the teacher, file \(round + 1) of \(own.count)")
          line.update(min(total, Int(Double(done) * share)))
        }
      }
    }
    line.finish(total)
  }

  private func tokens(of shard: Int, _ cache: TeacherCache) -> Int {
    cache.shards.sequences(of: shard).reduce(0) { $0 + data.length(at: $1) }
  }

  /// Every rank opens all files, which must be the same for all.
  private func compare(_ cache: TeacherCache) throws {
    var digests: [String] = []
    try rank.agree {
      for shard in needed(cache) {
        communicator.beginPhase("reading what the teacher has said")
        digests.append(try patientDigest(of: shard, cache))
      }
    }
    var agreement = RankAgreement()
    agreement.file(
      "set of a teacher's answers", SHA256.hexDigest(of: Array(digests.joined().utf8)))
    try agreement.check(communicator)
  }

  /// Shared folders may show a new file late.
  private func patientDigest(of shard: Int, _ cache: TeacherCache) throws -> String {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(3)
    while true {
      do {
        return try cache.digest(of: shard)
      } catch {
        guard clock.now < end else {
          throw TrainingError.teacherCache(
            path: cache.path(of: shard), reason: error.reason, code: 74)
        }
        usleep(50_000)
      }
    }
  }
}
