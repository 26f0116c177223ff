internal import Checkpoints
package import Datasets
package import DecoderModel

/// What a teacher says of the training sequences, in files that it was written to once.
///
/// Files are opened when the first of their sequences is met, and read whole then. Ranks and
/// threads cannot show in them: what a file holds is computed sequence by sequence.
package final class TeacherCache {
  package let folder: String
  package let key: String
  package let shards: TeacherShards
  package let record: TeacherRecord
  private let config: DecoderConfig
  private var open: [Int: TeacherShard] = [:]

  static let suffix = ".teacher"

  /// - Parameter config: of the model that learns.
  package init(
    folder: String, identity: TeacherIdentity, shards: TeacherShards, config: DecoderConfig
  ) {
    (self.folder, key, self.shards) = (folder, identity.key, shards)
    record = TeacherRecord(identity.question, of: config)
    self.config = config
  }

  package func path(of shard: Int) -> String {
    "\(folder)/\(key.prefix(32))-\(shard)\(Self.suffix)"
  }

  /// SHA-256 of a file's content, which has been verified.
  ///
  /// - Throws: `TeacherShard.Unusable`.
  package func digest(of shard: Int) throws(TeacherShard.Unusable) -> String {
    try opened(shard).digest
  }

  private func opened(_ shard: Int) throws(TeacherShard.Unusable) -> TeacherShard {
    if let found = open[shard] { return found }
    let found = try TeacherShard(
      path: path(of: shard), key: key, shard: shard, sequences: shards.sequences(of: shard),
      record: record)
    open[shard] = found
    return found
  }

  /// Whether a shard is there and whole. One that is damaged is removed.
  package func has(_ shard: Int) throws -> Bool {
    guard Folder.exists(path(of: shard)) else { return false }
    do {
      _ = try opened(shard)
      return true
    } catch {
      try Folder.remove(path(of: shard))
      return false
    }
  }

  /// What the teacher says of the supervised positions of a training sequence, checked: a digest
  /// that is right does not say who made the file.
  ///
  /// - Throws: `TrainingError.teacherCache`.
  package func targets(of sequence: PackedSequence) throws -> TeacherTargets {
    guard let number = sequence.index else {
      preconditionFailure("a teacher knows sequences of the training data")
    }
    let (shard, index) = shards.place(of: number)
    let file: TeacherShard
    do throws(TeacherShard.Unusable) {
      file = try opened(shard)
    } catch {
      throw TrainingError.teacherCache(path: path(of: shard), reason: error.reason, code: 74)
    }
    let targets = file.targets(at: index)
    if let fault = targets.fault(positions: sequence.supervisedCount, config) {
      throw TrainingError.teacherCache(path: path(of: shard), reason: fault, code: 65)
    }
    return targets
  }

  /// Makes a shard with the teacher itself. One that another process has published meanwhile is
  /// taken, as it holds the same.
  ///
  /// - Parameter progress: told after each sequence of its tokens; what it throws ends the work,
  ///   and nothing is left behind.
  package func make(
    _ shard: Int, with teacher: Decoder, of source: any SequenceSource,
    progress: (_ tokens: Int) throws -> Void = { _ in }
  ) throws {
    let sequences = try shards.sequences(of: shard).map { try source.sequence(at: $0) }
    do {
      try Folder.make(folder)
      var writer = try TeacherShardWriter(
        path: path(of: shard), key: key, shard: shard,
        sequences: sequences.map { ($0.index ?? 0, $0.supervisedCount) }, record: record)
      for sequence in sequences {
        try writer.append(answer(teacher, sequence, source))
        try progress(sequence.tokens.count)
      }
      try writer.finish()
    } catch let error as CheckpointError {
      if (try? has(shard)) == true { return }
      throw TrainingError.teacherCache(
        path: path(of: shard), reason: error.description, code: error.exitCode)
    }
  }

  private func answer(
    _ teacher: Decoder, _ sequence: PackedSequence, _ source: any SequenceSource
  ) throws -> TeacherTargets {
    let targets = try teacher.answer(
      record.question,
      to: TokenSequence(
        tokens: sequence.tokens, targets: sequence.targets,
        segmentOffsets: sequence.segmentOffsets))
    guard let fault = targets.fault(positions: sequence.supervisedCount, config) else {
      return targets
    }
    let samples = sequence.sampleIDs.map { source.origin(ofSample: $0) }
    throw TrainingError.badData(
      "what the teacher says of \(samples.joined(separator: ", ")) cannot be used: \(fault)")
  }
}
