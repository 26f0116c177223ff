internal import Collectives
internal import Training

extension RankContext {
  /// Rank 0 makes a configuration, and all ranks get its resolved form; collective.
  func shareConfig(_ make: () throws -> RunConfig) throws -> RunConfig {
    var yaml: [UInt8] = []
    try communicator.onRankZero { yaml = Array(try make().yaml.utf8) }
    var raw = RawConfig()
    let received = try communicator.broadcast(yaml)
    raw.read(yaml: String(decoding: received, as: UTF8.self), path: "config.resolved.yaml")
    return try raw.resolved(ranks: communicator.size).config
  }
}
