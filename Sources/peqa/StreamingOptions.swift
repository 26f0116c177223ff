internal import ArgumentParser
internal import Collectives
internal import DecoderModel
internal import Machine
internal import Planning
internal import Training

/// For bases that are larger than memory.
struct StreamingOptions: ParsableArguments {
  @Option(help: "Read the base from disk block by block: auto, on or off.")
  var baseStreaming = StreamingMode.auto

  @Option(
    parsing: .unconditional,
    help: "GB that the processes of a node and the base may use together; 0 takes what is free.")
  var memoryLimit = 0.0

  func validate() throws {
    guard memoryLimit >= 0, memoryLimit <= 1e9 else {
      throw ValidationError("--memory-limit must be from 0 to 1e9.")
    }
  }

  var limit: Int? { StreamingChoice.limit(gigabytes: memoryLimit) }

  /// Streams the base of `model` through `decoder` where it does not fit beside what passes forward
  /// over `length` tokens need, and a cache of `cached`.
  func apply(
    to decoder: Decoder, _ model: LoadedModel, length: Int, cached: Int = 0,
    available: Int?, ranksOnNode: Int = 1, nodeRank: Int = 0, _ console: Console
  ) {
    guard let base = model.base else {
      if baseStreaming == .on {
        console.warn("--base-streaming has no effect: \(model.path) is not a base")
      }
      return
    }
    let memory = MemoryPlan.forwardBytes(
      model.config, length: length, cached: cached, compute: decoder.compute)
    let choice = StreamingChoice(
      baseStreaming, fileBytes: base.byteCount, blockBytes: base.blockBytes,
      privateBytes: memory * ranksOnNode, available: available, limit: limit)
    if let text = choice.text { console.log(text) }
    decoder.prefetcher = choice.plan.map { BlockPrefetcher(base, $0, forgets: nodeRank == 0) }
  }
}

extension StreamingMode: ExpressibleByArgument {}

extension Communicator {
  /// Free memory of this node, as the least of what its ranks see: they must agree on what stays.
  func availableMemory() throws -> Int? {
    let own = "\(NodeMemory.available() ?? Int.max) \(hostName)"
    let seen = try allGather(Array(own.utf8)).compactMap { bytes -> Int? in
      let words = String(decoding: bytes, as: UTF8.self).split(separator: " ", maxSplits: 1)
      return words.count == 2 && words[1] == hostName ? Int(words[0]) : nil
    }
    return seen.min().flatMap { $0 == Int.max ? nil : $0 }
  }
}
