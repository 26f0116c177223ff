internal import Calibration
internal import DecoderModel
internal import Foundation
internal import Interchange
internal import JSONText
internal import Kernels
internal import Quantization
internal import TestSupport
import Testing

/// What is chosen, as far as it does not depend on text.
@Suite struct FormChoiceTests {
  private static func fixture(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("DecoderModelTests/Fixtures/\(name)").path
  }

  private func costs(_ candidates: FormCandidates, _ seed: UInt64) -> [[Double]] {
    var random = SplitMix64(seed: seed)
    return candidates.units.map { unit in
      let weight = Double.random(in: 0.01...1, using: &random)
      return unit.grids.map { weight * pow(4, -Double($0.bits)) }
    }
  }

  /// The file is as large as was foretold, but for its header, whatever the size.
  @Test(arguments: ["dense_llama", "dense_mixtral", "dense_gptj"], [0.0, 0.3, 0.7, 1.0])
  func theFileFits(model: String, part: Double) throws {
    let source = try ModelSource.open(Self.fixture(model))
    let settings = QuantizationSettings(method: .gptq)
    let candidates = try FormCandidates(source, QuantizeOptions(settings: settings))
    let (least, largest) = candidates.range
    #expect(least < largest)
    let size = least + Int(part * Double(largest - least))
    let choice = try FormChoice(candidates, costs: costs(candidates, 7), size: size)
    #expect(choice.byteCount <= size)
    #expect(choice.grids.count == source.config.layerCount * source.config.block.linearCount)
    let folder = try TemporaryFolder()
    var options = QuantizeOptions(settings: settings, allowPoorQuality: true)
    options.grids = choice.grids
    let report = try QuantizeModel(source, options, pool: WorkerPool(threads: 2))
      .run(output: folder("base"))
    #expect(report.baseBytes <= choice.byteCount)
    // Numbers of a longer header: at most three digits more for each of three tensors a matrix.
    #expect(choice.byteCount - report.baseBytes <= 64 + 9 * choice.grids.count * 4)
    let base = try QuantizedBase(path: folder("base"))
    for (name, grid) in choice.grids { #expect(base.manifest.grid(of: name) == grid, "\(name)") }
    #expect(report.forms.weightCount == report.weightCount)
    if part == 0 {
      #expect(Set(choice.grids.values) == [BaseManifest.Grid(bits: 2, groupSize: -1)])
    }
    if part == 1 { #expect(choice.grids.values.allSatisfy { $0.bits == 8 }) }
  }

  @Test func tooSmallASizeIsNamed() throws {
    let candidates = try FormCandidates(
      ModelSource.open(Self.fixture("dense_llama")), QuantizeOptions())
    let (least, largest) = candidates.range
    let error = #expect(throws: CalibrationError.self) {
      try FormChoice(candidates, costs: costs(candidates, 1), size: least - 1)
    }
    #expect(error?.exitCode == 78)
    #expect(error?.description.contains("takes \(least).") == true)
    #expect(error?.description.contains("\(largest) bytes") == true)
  }

  /// 40 columns have whole rows and groups of 32; 32 columns have whole rows alone.
  @Test func groupsAreShorterThanRows() throws {
    let source = try ModelSource.open(Self.fixture("dense_llama"))
    let candidates = try FormCandidates(source, QuantizeOptions())
    for unit in candidates.units {
      let sizes = Set(unit.grids.map(\.groupSize))
      #expect(sizes == (unit.kind == .down ? [-1, 32] : [-1]))
      #expect(Set(unit.grids).count == unit.grids.count)
    }
    let fixed = try FormCandidates(source, QuantizeOptions(), groupSize: -1)
    #expect(fixed.units.allSatisfy { $0.grids.map(\.bits) == [2, 3, 4, 8] })
    #expect(fixed.range.largest < candidates.range.largest)
  }
}
