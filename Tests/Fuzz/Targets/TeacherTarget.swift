internal import Checkpoints
internal import DecoderModel
internal import Training

extension FuzzTarget {
  private static let folder = ScratchFolder("-teacher")
  private static let key = String(repeating: "a", count: 64)
  private static let config = DecoderConfig(
    vocabularySize: 9, hiddenSize: 4, intermediateSize: 8, layerCount: 2, headCount: 2,
    keyValueHeadCount: 1, headSize: 2)
  /// Supervised positions of the sequences 3 and 1.
  private static let positions = [2, 1]

  /// The input is a file of a teacher's answers without its last 64 bytes, the digest, which is
  /// added: behind a wrong digest nothing would be read.
  static let teacherShard = FuzzTarget(
    name: "teacher-shard", maximumSize: 1024, seeds: { [exampleShard()] },
    read: { bytes in
      let digest = SHA256.hexDigest(of: bytes)
      let record = TeacherRecord(
        TeacherQuestion(tokens: 2, temperature: 1, blocks: [1]), of: config)
      let shard = try TeacherShard(
        path: folder.put("shard", bytes + Array(digest.utf8)), key: key, shard: 5,
        sequences: [3, 1], record: record)
      for index in positions.indices {
        let fault = shard.targets(at: index).fault(positions: positions[index], config)
        require(fault != "", "a fault without text")
      }
    })

  /// Tokens 1 and 7 with a quarter each, and a stream of ones.
  private static func exampleShard() -> [UInt8] {
    func bytes(_ numbers: [some BitwiseCopyable]) -> [UInt8] {
      numbers.withUnsafeBytes(Array.init)
    }
    var shard = Array("PEQATEAC".utf8) + bytes([1 as UInt64]) + Array(key.utf8)
    shard += bytes([5, 2, 3, 2, 1, 1] as [UInt64])
    for count in positions {
      shard += bytes((0..<count).flatMap { _ in [1, 7] as [UInt32] })
      shard += bytes([Float](repeating: -1.386_294_4, count: 2 * count))
      shard += bytes([Float](repeating: -0.693_147_2, count: count))
      shard += bytes([Float](repeating: 1, count: count))
      shard += bytes([Float16](repeating: 1, count: 4 * count))
    }
    return shard
  }
}
