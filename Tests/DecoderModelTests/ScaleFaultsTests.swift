import DecoderModel
import Kernels
import Testing

/// What `setMasters` says of the scales that it makes.
@Suite struct ScaleFaultsTests {
  private func faults(
    _ name: String, _ granularity: ScaleGranularity, _ masters: [(Int, Float)]
  ) throws -> ScaleFaults {
    let model = try LoadedModel.open(Golden(name).directory)
    let scales = TrainableScales(
      weights: model.weights, granularity: granularity, parametrization: .relative)
    var values = [Float](repeating: 0, count: scales.count)
    for (index, value) in masters { values[index] = value }
    return values.withUnsafeBufferPointer { scales.setMasters($0) }
  }

  /// Scales of a row base, scales of groups, and gains.
  @Test(
    arguments: [
      ("llama_4bit_row", .row), ("llama_2bit_g64", .group), ("llama_2bit_g64", .row),
    ] as [(String, ScaleGranularity)])
  func areCounted(name: String, granularity: ScaleGranularity) throws {
    #expect(try faults(name, granularity, []) == ScaleFaults())
    #expect(try faults(name, granularity, [(0, -0.5), (1, 0.5)]) == ScaleFaults())
    // s (1 + d): d = -1 is 0, below that the sign is another.
    let found = try faults(
      name, granularity, [(0, -1), (1, -3), (2, -2), (5, .infinity), (6, .nan), (7, -.infinity)])
    #expect(found == ScaleFaults(notFinite: 3, flipped: 2, zeroed: 1))
  }

  /// A finite number beyond 65504 is infinite in fp16.
  @Test func fp16Overflows() throws {
    #expect(try faults("llama_4bit_row", .row, [(3, 1e30)]) == ScaleFaults(notFinite: 1))
  }
}
