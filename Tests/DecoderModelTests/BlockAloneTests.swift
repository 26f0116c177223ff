import DecoderModel
import Foundation
import Kernels
import Testing

@Suite struct BlockAloneTests {
  /// The oracle: central differences of the block's own output, `sum(output)`, in one direction of
  /// the masters and in one of the input.
  @Test(
    arguments: [ScaleGranularity.row, .group], BlockAlone.Recomputing.allCases)
  func gradientsAreThoseOfTheSumOfOutputs(
    granularity: ScaleGranularity, recomputing: BlockAlone.Recomputing
  ) throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/llama_2bit_g64").path
    let model = try LoadedModel.open(folder)
    var config = model.config
    config.layerCount = 1
    let weights = DecoderWeights(
      ends: model.weights.ends, layers: [model.weights.layers[0]], owner: model.weights)
    let compute = Compute(pool: WorkerPool(threads: 2), precision: .fp32)
    let block = try BlockAlone(
      Decoder(config: config, weights: weights, compute: compute), granularity: granularity,
      tokens: 9, recomputing: recomputing)
    block.forward()
    block.backward()
    let gradient = Array(block.gradient.elements)
    let inputGradient = Array(block.inputGradient)

    func sum() -> Double {
      block.reset()
      block.forward()
      return block.output.reduce(0) { $0 + Double($1) }
    }
    func slope(_ step: Float, _ move: (Float) -> Void) -> Double {
      move(step)
      let above = sum()
      move(-step)
      return (above - sum()) / Double(2 * step)
    }

    // Single scales are rounded to fp16, so a step must be large: 2 %, times up to 2.
    let (step, count) = (Float(0.02), block.scales.count)
    let direction = (0..<count).map { Float($0 * 7 % 5) - 2 }
    let byMasters = slope(step) { step in
      _ = direction.map { $0 * step }.withUnsafeBufferPointer { block.scales.setMasters($0) }
    }
    var expected = directional(gradient, direction)
    // Rounding moves a scale by up to 2^-11 of its size, evenly spread: 2^-11 / sqrt(12) on
    // average, twice, uncorrelated; five times that is never seen. Then third-order terms:
    // (2 step)^2 / 6.
    let rounding = 5 * 0x1p-11 / (6.0).squareRoot() / Double(2 * step) * expected.norm
    let bound = rounding + Double(4 * step * step) / 6 * expected.size
    #expect(abs(byMasters - expected.slope) < bound, "\(byMasters), \(expected), \(bound)")
    #expect(expected.norm > 0)

    // The input is fp32. Third-order terms as above; outputs are sums of up to 80 products, rounded
    // by up to 2^-24 of themselves each, and there are 288 of them.
    _ = [Float](repeating: 0, count: count).withUnsafeBufferPointer { block.scales.setMasters($0) }
    let (start, small) = (Array(block.input.elements), Float(0.01))
    let sides: [Float] = start.indices.map { Float($0 * 5 % 7) / 3 - 1 }
    let byInput = slope(small) { step in
      for index in start.indices { block.input.pointer[index] = start[index] + step * sides[index] }
    }
    expected = directional(inputGradient, sides)
    let outputs = block.output.reduce(0.0) { (sum: Double, y: Float) in sum + abs(Double(y)) }
    let noise = outputs * 80 * 0x1p-24 / Double(small)
    #expect(
      abs(byInput - expected.slope) < noise + Double(small * small) * expected.size,
      "\(byInput), \(expected), \(noise)")
    #expect(noise < 0.02 * expected.size, "the bound says something")
  }

  /// With nothing recomputed, the choice of experts is that of the forward pass.
  @Test func mixtureWithoutRecomputation() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Fixtures/mixtral_4bit_g32").path
    let model = try LoadedModel.open(folder)
    var config = model.config
    config.layerCount = 1
    let gradients = try BlockAlone.Recomputing.allCases.map { recomputing in
      let weights = DecoderWeights(
        ends: model.weights.ends, layers: [model.weights.layers[0]], owner: model.weights)
      let block = try BlockAlone(
        Decoder(
          config: config, weights: weights,
          compute: Compute(pool: WorkerPool(threads: 2), precision: .fp32)), granularity: .row,
        tokens: 9, recomputing: recomputing)
      block.forward()
      block.backward()
      return block.gradient.elements.map(\.bitPattern)
    }
    #expect(gradients.allSatisfy { $0 == gradients[0] } && Set(gradients[0]).count > 50)
  }

  /// The slope along `direction`; the size and the norm of what it is the sum of.
  private func directional(
    _ gradient: [Float], _ direction: [Float]
  ) -> (slope: Double, size: Double, norm: Double) {
    let terms = zip(gradient, direction).map { Double($0) * Double($1) }
    return (
      terms.reduce(0, +), terms.reduce(0) { $0 + abs($1) },
      terms.reduce(0) { $0 + $1 * $1 }.squareRoot()
    )
  }
}
