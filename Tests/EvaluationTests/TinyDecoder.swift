import DecoderModel
import Evaluation
import Kernels

/// A decoder of random dense fp32 weights, small enough for every test.
enum TinyDecoder {
  static let config = DecoderConfig(
    vocabularySize: 37, hiddenSize: 16, intermediateSize: 24, layerCount: 2, headCount: 2,
    keyValueHeadCount: 1, headSize: 8, maximumLength: 64)

  static func make(threads: Int = 1, seed: UInt64 = 3) -> Decoder {
    var random = SplitMix64(seed: seed)
    var owned: [FloatBuffer] = []
    func buffer(_ count: Int, scale: Double, offset: Double = 0) -> FloatBuffer {
      let buffer = FloatBuffer(count: count)
      for i in 0..<count {
        buffer.pointer[i] = Float(offset + scale * (2 * random.unitInterval() - 1))
      }
      owned.append(buffer)
      return buffer
    }
    func matrix(_ rows: Int, _ columns: Int) -> WeightMatrix {
      // Large weights, so that the most probable token depends on the whole context.
      WeightMatrix(
        dense: buffer(rows * columns, scale: 0.8).pointer, type: .f32, rows: rows,
        columns: columns)
    }
    let width = config.hiddenSize
    func norm() -> DecoderWeights.FrozenNorm {
      DecoderWeights.FrozenNorm(config, weight: buffer(width, scale: 0.2, offset: 1))
    }
    let layers = (0..<config.layerCount).map { index in
      DecoderWeights.Layer(
        config, index,
        linears: config.block.linears.map {
          let shape = config.shape(of: $0.kind)
          return .init(matrix: matrix(shape.rows, shape.columns))
        }, norm: { _ in norm() })
    }
    let ends = DecoderWeights.Ends(
      embedding: matrix(config.vocabularySize, width), head: matrix(config.vocabularySize, width),
      finalNorm: norm())
    let weights = DecoderWeights(ends: ends, layers: layers, owner: Owner(owned))
    return Decoder(
      config: config, weights: weights,
      compute: Compute(pool: WorkerPool(threads: threads), precision: .fp32))
  }

  private final class Owner {
    let buffers: [FloatBuffer]
    init(_ buffers: [FloatBuffer]) { self.buffers = buffers }
  }

  /// Random ids of the vocabulary.
  static func tokens(_ count: Int, seed: UInt64 = 11) -> [Int32] {
    var random = SplitMix64(seed: seed)
    return (0..<count).map { _ in Int32.random(in: 0..<37, using: &random) }
  }
}
