import DecoderModel
import Kernels
import Testing

/// Whole passes that multiply codes as integers, with fp32 as oracle.
@Suite struct IntegerPassTests {
  static let bases = [
    "llama_4bit_row", "llama_3bit_g32", "llama_2bit_g64", "llama_8bit_g128", "qwen2_4bit_g32",
    "llama_4bit_g32_real_zeros", "gemma2_4bit_row", "mixtral_4bit_row",
  ]

  private struct Outcome: Equatable {
    var loss: Double
    var gradient: [Float]
  }

  private func outcome(
    _ golden: Golden, _ granularity: ScaleGranularity, multipliesIntegers: Bool, threads: Int = 2
  ) throws -> Outcome {
    let decoder = try makeDecoder(
      golden.directory, multipliesIntegers: multipliesIntegers, threads: threads)
    let scales = TrainableScales(
      weights: decoder.weights, granularity: granularity, parametrization: .relative)
    decoder.use(scales.task)
    let sequence = try golden.sequence("packed")
    var gradient = [Float](repeating: .nan, count: scales.count)
    let sum = try gradient.withUnsafeMutableBufferPointer {
      try decoder.lossAndGradient(
        sequence.ids, targets: sequence.targets, segmentOffsets: sequence.starts, scales: scales,
        gradient: $0)
    }
    return Outcome(loss: sum.loss, gradient: gradient)
  }

  /// A byte errs by the greatest number of its run / 254 at most, evenly spread: by 1 / (127 * 3.5)
  /// of it in the mean, where the greatest is about 3 times what is usual: 0.7 % of a number. A
  /// gradient has passed some 6 products for each block forward and as many back, whose errors are
  /// independent: n blocks give sqrt(12 n) * 0.7 %, of which 8 times is allowed. Zero points left
  /// out, or scales of another row, are off by as much as the gradient itself.
  @Test(arguments: bases, [ScaleGranularity.row, .group])
  func gradientsAreNearThoseOfFloats(_ name: String, _ granularity: ScaleGranularity) throws {
    let golden = try Golden(name)
    let exact = try outcome(golden, granularity, multipliesIntegers: false)
    let rounded = try outcome(golden, granularity, multipliesIntegers: true)
    let blocks = Double(try makeDecoder(golden.directory).config.layerCount)
    let bound = 8 * (12 * blocks).squareRoot() * 0.007
    let (size, error) = zip(exact.gradient, rounded.gradient).reduce(into: (0.0, 0.0)) {
      $0.0 += Double($1.0) * Double($1.0)
      $0.1 += (Double($1.0) - Double($1.1)) * (Double($1.0) - Double($1.1))
    }
    #expect(error > 0, "something is rounded")
    #expect((error / size).squareRoot() < bound, "\((error / size).squareRoot())")
    #expect(abs(rounded.loss - exact.loss) < bound * exact.loss)
  }

  /// What a model is measured by is the same however it is trained.
  @Test(arguments: bases)
  func lossesInFloatingPoint(_ name: String) throws {
    let golden = try Golden(name)
    let sequence = try golden.sequence("packed")
    func loss(_ decoder: Decoder) throws -> Double {
      try decoder.loss(
        sequence.ids, targets: sequence.targets, segmentOffsets: sequence.starts
      ).loss
    }
    let integers = try makeDecoder(golden.directory, multipliesIntegers: true)
    let rounded = try loss(integers)
    let exact = try integers.compute.inFloatingPoint { try loss(integers) }
    #expect(exact == (try loss(makeDecoder(golden.directory))) && exact != rounded)
    #expect(try loss(integers) == rounded, "afterwards it multiplies integers again")
  }

  @Test(arguments: bases)
  func threadsChangeNoBit(_ name: String) throws {
    let golden = try Golden(name)
    for granularity in [ScaleGranularity.row, .group] {
      let one = try outcome(golden, granularity, multipliesIntegers: true, threads: 1)
      let three = try outcome(golden, granularity, multipliesIntegers: true, threads: 3)
      #expect(one == three)
    }
  }
}
