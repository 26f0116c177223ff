internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import Interchange
internal import JSONText
internal import Kernels
internal import Quantization
internal import QuantizedFormats
import Testing

/// Models of gptqmodel, mlx-lm, compressed-tensors and llama.cpp become bases and lose nothing. The
/// oracle is what these programs themselves make of their files.
@Suite struct ImportTests {
  @Test func allFormatsAreHere() {
    let formats = Set(ForeignFixture.all.map(\.format))
    #expect(formats == ["gptq", "awq", "mlx", "compressed-tensors", "gguf"])
    #expect(ForeignFixture.all.count >= 34)
  }

  /// Every number of every quantized matrix, bit for bit.
  ///
  /// Programs round a product and a sum to float32. A product has at most 23 bits and is exact: 11
  /// of a scale in fp16 and 8 of a code, or 11 of it, 7 of a block scale and 5 of a code (Q6_K). So
  /// at most the sum is rounded, there as here. Only scales in float32 give products that are.
  @Test(arguments: ForeignFixture.importable)
  func weightsAreThePrograms(_ fixture: ForeignFixture) throws {
    try Scratch.withFolder { folder in
      let source = try ModelSource.open(fixture.path)
      let report = try fixture.quantize(to: folder + "/base")
      #expect(report.errors.relative(nil) == 0)
      #expect(report.manifest.reusesCodes)
      #expect(report.manifest.source["format"]?.string == fixture.format)
      let base = try QuantizedBase(path: folder + "/base")
      defer { withExtendedLifetime(base) {} }
      try base.verifyDigest()
      #expect(base.config == source.config)
      let expected = try fixture.matrices
      var found: Set<String> = []
      for tensor in source.tensors {
        guard let coded = tensor.coded else { continue }
        let name = coded.module + ".weight"
        let wanted = try #require(expected.first { $0.name == name }, "\(name) is quantized")
        let matrix = try #require(base.matrix(tensor.expected), "\(name) is a matrix")
        found.insert(name)
        try #require(wanted.shape == [matrix.layout.rows, matrix.layout.columns])
        let weights = tensor.storedRows(matrix.weights())
        if matrix.layout.scaleType == .f32 {
          try expectTwiceRounded(name, weights, matrix.rows, wanted.digest)
        } else {
          expectSame(weights, try fixture.floats(name) ?? [], "\(name), whole")
          expectSame(weights, try fixture.floats(name + ".first") ?? [], "\(name), its first")
          let digest = weights.withUnsafeBytes { SHA256.hexDigest(of: $0) }
          #expect(digest == wanted.digest, "\(name)")
        }
      }
      #expect(found == Set(expected.map(\.name)))
    }
  }

  /// As many numbers as there are on the right.
  private func expectSame(_ weights: [Float], _ expected: [Float], _ what: String) {
    let wrong = expected.indices.first { weights[$0].bitPattern != expected[$0].bitPattern }
    if let wrong {
      Issue.record("\(what): number \(wrong) is \(weights[wrong]), not \(expected[wrong])")
    }
  }

  /// s q + m, where the program rounds the product to float32 and then the sum, each by at most
  /// 2^-24 of what is rounded, and the base's number is rounded once.
  private func expectTwiceRounded(
    _ name: String, _ weights: [Float], _ rows: CodedRows, _ wanted: String
  ) throws {
    let layout = rows.layout
    try #require(layout.offset == .minima && layout.groupsPerScale == 1)
    var codes = [UInt8](repeating: 0, count: layout.columns)
    var twice: [Float] = []
    var isClose = true
    for row in 0..<layout.rows {
      codes.withUnsafeMutableBufferPointer { rows.unpack(row: row, into: $0) }
      for (column, code) in codes.enumerated() {
        let number = row * layout.groups + column / layout.groupSize
        let (product, minimum) = (rows.scale(number) * Float(code), rows.minimum(number))
        let weight = product + minimum
        let bound = 1.001 * 0x1p-24 * (abs(product) + 2 * abs(weight))
        let difference = abs(Double(weights[twice.count]) - Double(weight))
        isClose = isClose && difference <= Double(bound)
        twice.append(weight)
      }
    }
    #expect(isClose, "\(name)")
    #expect(twice.withUnsafeBytes { SHA256.hexDigest(of: $0) } == wanted, "\(name)")
  }

  /// Transformers in float32 from the matrices above. mlx computes the same function in float32
  /// with sums in another order and is up to 9.2e-6 away from it (`program_logits_difference` of
  /// mlx_mixed); tenfold, as logits here are up to twice as large and rows four times as long.
  static let tolerance: Float = 1e-4

  /// Of the base, and of the foreign file as it is, which nothing has imported.
  @Test(arguments: ForeignFixture.importable)
  func logitsAreThePrograms(_ fixture: ForeignFixture) throws {
    try Scratch.withFolder { folder in
      try fixture.quantize(to: folder + "/base")
      let ids = try fixture.ids
      let expected = try #require(try fixture.floats("logits"))
      let ours = try logits(folder + "/base", ids)
      let direct = try logits(fixture.path, ids)
      #expect(largestDifference(ours, expected) < Self.tolerance)
      #expect(largestDifference(direct, expected) < Self.tolerance)
      #expect(largestDifference(direct, ours) < Self.tolerance)
    }
  }

  /// Two ways to the same weights: the codes of the base, and the file's own numbers, of GGUF by
  /// code that knows no codes.
  @Test(arguments: ForeignFixture.importable)
  func fileAndBaseHaveTheSameNumbers(_ fixture: ForeignFixture) throws {
    try Scratch.withFolder { folder in
      try fixture.quantize(to: folder + "/base")
      let source = try ModelSource.open(fixture.path)
      let base = try QuantizedBase(path: folder + "/base")
      defer { withExtendedLifetime(base) {} }
      for tensor in source.tensors {
        let own: [Float]
        if let matrix = base.matrix(tensor.expected) {
          own = matrix.weights()
        } else if case .bias(let role, let layer) = tensor.expected.role {
          own = Array(try #require(base.linear(role, layer: layer).bias))
        } else {
          let dense = try base.tensor(tensor.name)
          // What the file has in full precision stays in its type, or becomes F32.
          #expect(dense.type == tensor.type || dense.type == .f32, "\(tensor.name)")
          own = try base.file.floats(of: try base.file.requiredTensor(named: tensor.name))
        }
        #expect(try own == source.floats(tensor.name), "\(tensor.name)")
      }
    }
  }

  /// A layer that MLX has left in full precision, because its width is no multiple of the group:
  /// such a file can be read but is no base.
  @Test func partlyQuantizedFilesAreReadAndNamed() throws {
    let fixture = try #require(ForeignFixture.all.first { $0.name == "mlx_4bit_g64_partly" })
    let source = try ModelSource.open(fixture.path)
    for matrix in try fixture.matrices {
      let weights = try source.floats(matrix.name)
      #expect(weights.withUnsafeBytes { SHA256.hexDigest(of: $0) } == matrix.digest)
    }
    let expected = try #require(try fixture.floats("logits"))
    #expect(largestDifference(try logits(fixture.path, fixture.ids), expected) < Self.tolerance)
    try Scratch.withFolder { folder in
      let error = #expect(throws: ModelFileError.self) {
        try fixture.quantize(to: folder + "/base")
      }
      #expect(error?.exitCode == 65)
      #expect(error?.description.contains("layers.0.mlp.down_proj.weight\" is BF16") == true)
      #expect(error?.description.contains("Quantize without it") == true)
      #expect((try? FileManager.default.contentsOfDirectory(atPath: folder)) == [])
    }
  }

  /// Layers of one file with other bits, groups and blocks than most: all of them in the manifest.
  @Test(
    arguments: [
      ("mlx_mixed", 4, 32, ["model.layers.0.mlp.down_proj": 6, "lm_head": 8]),
      ("gptq_4bit_head8", 4, 32, ["lm_head": 8]), ("ct_8bit_channel", 8, -1, [:]),
      ("gguf/q4_k_m.gguf", 4, 32, ["model.layers.0.mlp.down_proj": 6]),
      ("gguf/q3_k.gguf", 3, 16, [:]), ("gguf/q2_k.gguf", 2, 16, [:]),
      ("gguf/iq4_nl.gguf", 8, 32, [:]),
    ] as [(String, Int, Int, [String: Int])])
  func manifestSaysWhatDiffers(
    name: String, bits: Int, groupSize: Int, others: [String: Int]
  ) throws {
    try Scratch.withFolder { folder in
      let fixture = ForeignFixture(name: name)
      let manifest = try fixture.quantize(to: folder + "/base").manifest
      #expect(manifest.settings.bits == bits && manifest.settings.groupSize == groupSize)
      for (module, bits) in others { #expect(manifest.grid(of: module).bits == bits, "\(module)") }
      let base = try QuantizedBase(path: folder + "/base")
      defer { withExtendedLifetime(base) {} }
      for tensor in base.config.expectedTensors {
        guard let layout = base.matrix(tensor)?.layout else { continue }
        let grid = manifest.grid(of: tensor.matrixName)
        #expect(grid.bits == layout.bits && grid.groupsPerScale == layout.groupsPerScale)
      }
    }
  }
}
