import Checkpoints
import Datasets
import DecoderModel
import Foundation
import Kernels
import TestSupport
import Testing
import Training

/// Five sequences of a data set, with ids of a vocabulary of 96.
private struct FewSequences: SequenceSource {
  let count = 5

  func sequence(at index: Int) -> PackedSequence {
    var sequence = ToyData(count: count).sequence(at: index)
    sequence.tokens = sequence.tokens.map { $0 % 96 }
    sequence.targets = sequence.targets.map { $0 < 0 ? -1 : ($0 * 41 + 7) % 96 }
    sequence.index = index
    return sequence
  }

  func origin(ofSample id: Int) -> String { "few.jsonl:\(id + 1)" }
}

/// What a teacher said, from the disk.
@Suite struct TeacherCacheTests {
  private static let model = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "DecoderModelTests/Fixtures/llama_8bit_g128").path

  private let folder: TemporaryFolder
  private let teacher: Decoder
  private let source = FewSequences()
  private let identity = TeacherIdentity(
    weights: "w", config: "c", data: "d", seed: 7, kernels: "k",
    question: TeacherQuestion(tokens: 3, temperature: 2, blocks: [1]))

  init() throws {
    folder = try TemporaryFolder()
    let model = try LoadedModel.open(Self.model)
    teacher = Decoder(
      config: model.config, weights: model.weights,
      compute: Compute(pool: WorkerPool(threads: 1), precision: .fp32))
  }

  private var shards: TeacherShards {
    TeacherShards(
      DataOrder(count: source.count, globalBatchSize: 2, seed: 7),
      lengths: (0..<source.count).map { source.sequence(at: $0).tokens.count })
  }

  private func cache(_ change: (inout TeacherIdentity) -> Void = { _ in }) -> TeacherCache {
    var identity = identity
    change(&identity)
    return TeacherCache(
      folder: folder("cache"), identity: identity, shards: shards, config: teacher.config)
  }

  /// A whole file, and its bytes.
  private func made() throws -> (path: String, bytes: [UInt8]) {
    let cache = cache()
    try cache.make(0, with: teacher, of: source)
    return (cache.path(of: 0), try bytes(cache.path(of: 0)))
  }

  private func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(filePath: path)))
  }

  private func write(_ bytes: [UInt8], to path: String) throws {
    try Data(bytes).write(to: URL(filePath: path), options: .atomic)
  }

  @Test func roundTrip() throws {
    let first = cache()
    #expect(first.shards.count == 1)
    #expect(try !first.has(0))
    var tokens = 0
    try first.make(0, with: teacher, of: source) { tokens += $0 }
    let all = (0..<source.count).map { source.sequence(at: $0) }
    #expect(tokens == all.reduce(0) { $0 + $1.tokens.count })
    let positions = all.reduce(0) { $0 + $1.supervisedCount }
    #expect(
      try bytes(first.path(of: 0)).count == 96 + 16 * source.count
        + positions * first.record.bytesPerPosition + 64)
    #expect(first.record.bytesPerPosition == 3 * 8 + 4 + 4 + 2 * teacher.config.hiddenSize)

    let second = cache()
    #expect(try second.has(0))
    #expect(try second.digest(of: 0) == first.digest(of: 0))
    for sequence in all {
      let said = try teacher.answer(
        identity.question,
        to: TokenSequence(
          tokens: sequence.tokens, targets: sequence.targets,
          segmentOffsets: sequence.segmentOffsets))
      #expect(try second.targets(of: sequence) == said)
    }
    // Made again it is the same file; one that is there is kept.
    let made = try bytes(first.path(of: 0))
    try first.make(0, with: teacher, of: source)
    try Folder.remove(first.path(of: 0))
    try cache().make(0, with: teacher, of: source)
    #expect(try bytes(first.path(of: 0)) == made)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder("cache")).count == 1)
  }

  /// A file of whatever bytes is no file, and gives way to a whole one.
  private func expectRefused(_ bytes: [UInt8], _ path: String, _ what: String) throws {
    try write(bytes, to: path)
    #expect(throws: TrainingError.self, "\(what)") {
      try cache().targets(of: source.sequence(at: 0))
    }
    #expect(try !cache().has(0), "\(what)")
    #expect(!FileManager.default.fileExists(atPath: path), "\(what)")
  }

  @Test func flippedBytesAreNoticed() throws {
    let (path, whole) = try made()
    for position in Array(0..<200) + Array(stride(from: 200, to: whole.count, by: 37)) {
      var broken = whole
      broken[position] ^= UInt8(1 << (position % 8))
      try expectRefused(broken, path, "byte \(position)")
    }
  }

  @Test func tornAndForeignFilesAreRefused() throws {
    let (path, whole) = try made()
    for count in stride(from: 0, to: whole.count, by: 61) {
      try expectRefused(Array(whole[..<count]), path, "\(count) bytes")
    }
    try expectRefused(whole + [0], path, "a byte more")
    try expectRefused(whole + whole, path, "twice")
    let other = cache { $0.seed = 8 }
    try other.make(0, with: teacher, of: source)
    try expectRefused(try bytes(other.path(of: 0)), path, "another key")
  }

  /// The same file with something changed and a digest that is right.
  private func forged(_ whole: [UInt8], _ change: (inout [UInt8]) -> Void) -> [UInt8] {
    var bytes = Array(whole.dropLast(64))
    change(&bytes)
    return bytes + Array(SHA256.hexDigest(of: bytes).utf8)
  }

  /// Sizes at the limits of their range, other sequences.
  @Test func forgedHeadsAreRefused() throws {
    let (path, whole) = try made()
    for field in [8, 80, 88] + (0..<10).map({ 96 + 8 * $0 }) {
      for byte: UInt8 in [0xFF, 0x7F, 0x01] {
        let bytes = forged(whole) { bytes in
          for place in 0..<8 { bytes[field + place] = byte }
        }
        try expectRefused(bytes, path, "field at \(field)")
      }
    }
    // Two sequences whose positions have moved from one to the other.
    let moved = forged(whole) { bytes in
      bytes[96 + 8] += 1
      bytes[96 + 24] -= 1
    }
    try write(moved, to: path)
    let first = shards.sequences(of: 0)[0]
    let error = #expect(throws: TrainingError.self) {
      try cache().targets(of: source.sequence(at: first))
    }
    #expect(error?.exitCode == 65)
  }

  /// Numbers that no teacher says are refused with 65, though the digest is right.
  @Test func forgedNumbersAreRefused() throws {
    let (path, whole) = try made()
    let first = source.sequence(at: shards.sequences(of: 0)[0])
    let (start, n) = (96 + 16 * source.count, first.supervisedCount)
    let (logs, rest) = (start + 12 * n, start + 24 * n)
    let (factors, streams) = (rest + 4 * n, rest + 8 * n)
    func put(_ bits: UInt32, _ place: Int) -> [UInt8] {
      forged(whole) { bytes in
        for byte in 0..<4 { bytes[place + byte] = UInt8(truncatingIfNeeded: bits >> (8 * byte)) }
      }
    }
    let nan = Float.nan.bitPattern
    let files = [
      put(96, start + 8), put(UInt32.max, start), put(0x7FFF_FFFF, start + 4), put(nan, logs),
      put(Float(0.5).bitPattern, logs), put(0, logs + 4), put(nan, rest), put(0, rest),
      put((-Float.infinity).bitPattern, logs + 8), put(nan, factors), put(0, factors),
      put(0x7C00_7C00, streams),
    ]
    for (index, file) in files.enumerated() {
      try write(file, to: path)
      #expect(try cache().has(0), "its digest is right")
      let error = #expect(throws: TrainingError.self, "\(index)") {
        try cache().targets(of: first)
      }
      #expect(error?.exitCode == 65, "\(index)")
    }
    try write(whole, to: path)
    _ = try cache().targets(of: first)
  }

  @Test func whateverDecidesTheAnswersChangesTheFile() {
    let paths = [
      cache(), cache { $0.weights = "x" }, cache { $0.config = "x" }, cache { $0.data = "x" },
      cache { $0.seed = 8 }, cache { $0.kernels = "x" }, cache { $0.question.tokens = 4 },
      cache { $0.question.temperature = 2.0.nextUp }, cache { $0.question.blocks = [0] },
      cache { $0.question.blocks = [] },
    ].map { $0.path(of: 0) }
    #expect(Set(paths).count == paths.count)
  }

  @Test func stoppingLeavesNothing() throws {
    struct Stop: Error {}
    var calls = 0
    #expect(throws: Stop.self) {
      try cache().make(0, with: teacher, of: source) { _ in
        calls += 1
        if calls == 3 { throw Stop() }
      }
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder("cache")).isEmpty)
  }

  /// Each sequence stands in one file, at the place where it is looked for, in the order in which
  /// training meets them.
  @Test(arguments: [1, 7, 900, 5000]) func shardsHoldEverySequenceOnce(count: Int) {
    let order = DataOrder(count: count, globalBatchSize: 6, seed: 3)
    let shards = TeacherShards(order, lengths: (0..<count).map { 1 + $0 * 37 % 300 })
    let all = (0..<shards.count).map(shards.sequences)
    #expect(all.flatMap(\.self) == order.indices(at: 0, count: count))
    #expect(Set(all.flatMap(\.self)).count == count && all.allSatisfy { !$0.isEmpty })
    #expect(count < 900 || shards.count > 1)
    for (shard, sequences) in all.enumerated() {
      for (index, sequence) in sequences.enumerated() {
        #expect(shards.place(of: sequence) == (shard, index))
      }
    }
    #expect(shards.needed(forSequences: 0) == 0 && shards.needed(forSequences: 1) == 1)
    var met = 0
    for (shard, sequences) in all.enumerated() {
      met += sequences.count
      #expect(shards.needed(forSequences: met) == shard + 1)
      #expect(shards.needed(forSequences: met + 1) == min(shards.count, shard + 2))
    }
  }
}
