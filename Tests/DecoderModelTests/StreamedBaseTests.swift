import Checkpoints
import DecoderModel
import Foundation
import Kernels
import Testing

@Suite struct StreamedBaseTests {
  /// Every block comes and goes, several passes, both directions: the bits of a base that stays.
  @Test(arguments: ["llama_4bit_row", "llama_2bit_g64", "gemma2_4bit_row", "mixtral_4bit_row"])
  func streamingChangesNoBit(_ name: String) throws {
    let golden = try Golden(name)
    let sequence = try golden.sequence("packed")
    let tokens = TokenSequence(
      tokens: sequence.ids, targets: sequence.targets, segmentOffsets: sequence.starts)
    var results: [[UInt32]] = []
    for streams in [false, true] {
      let model = try LoadedModel.open(golden.directory)
      let base = try model.requiredBase()
      let decoder = Decoder(
        config: model.config, weights: model.weights, compute: Compute(pool: WorkerPool(threads: 2))
      )
      if streams {
        let plan = StreamPlan(blockBytes: base.blockBytes, budget: 0)
        #expect(plan.streamed == model.config.layerCount)
        decoder.prefetcher = BlockPrefetcher(base, plan, forgets: true)
      }
      let scales = TrainableScales(
        weights: decoder.weights, granularity: .group, parametrization: .relative)
      decoder.use(scales.task)
      var bits: [UInt32] = []
      for _ in 0..<3 {
        _ = try decoder.lossesAndGradients([tokens], scales: scales) { _, _, values in
          bits += values.map(\.bitPattern)
        }
        let losses = try decoder.tokenLosses(
          sequence.ids, targets: sequence.targets, segmentOffsets: sequence.starts)
        bits += losses.map { UInt32(truncatingIfNeeded: $0.bitPattern) }
      }
      decoder.prefetcher?.settle()
      results.append(bits)
    }
    #expect(results[0] == results[1])
  }

  @Test func shortenedBaseIsAnErrorNotASignal() throws {
    let golden = try Golden("llama_4bit_row")
    let copy = FileManager.default.temporaryDirectory
      .appending(path: "peqa-shortened-\(UUID().uuidString)")
    try FileManager.default.copyItem(
      at: URL(fileURLWithPath: golden.directory), to: copy)
    defer { try? FileManager.default.removeItem(at: copy) }
    let base = try QuantizedBase(path: copy.path)
    try base.load(layer: base.config.layerCount - 1)
    #expect(truncate(base.file.path, 100) == 0)
    let error = #expect(throws: CheckpointError.self) {
      try base.load(layer: base.config.layerCount - 1)
    }
    #expect(error == .unreadable(path: base.file.path) && error?.exitCode == 74)
    // Letting go of what is no longer there is no error.
    base.drop(layer: 0, fromCache: true)
  }
}
