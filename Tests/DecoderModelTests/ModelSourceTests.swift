internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import JSONText
internal import Quantization
import Testing

@Suite struct ModelSourceTests {
  /// Shards, F16 and BF16 give the elements that the files hold, read here byte by byte.
  @Test(arguments: ["dense_bf16", "dense_f16", "dense_f32_sharded"])
  func readsHuggingFaceDirectories(name: String) throws {
    let path = Fixtures.path(name)
    let source = try ModelSource.open(path)
    #expect(source.format == .huggingFace)
    #expect(source.tensors.map(\.name) == source.config.expectedTensors.map(\.name))
    let stored = try SafetensorsDirectory(path: path)
    for tensor in source.tensors {
      let original = try stored.requiredTensor(named: tensor.name)
      let bytes = stored.bytes(of: original)
      let middle = tensor.rows / 2..<tensor.rows
      var values = [Float](repeating: 0, count: middle.count * tensor.columns)
      try values.withUnsafeMutableBufferPointer {
        try source.readRows(tensor.name, rows: middle, into: $0)
      }
      for (index, value) in values.enumerated() {
        let place = middle.lowerBound * tensor.columns + index
        let expected =
          switch original.type {
          case .f32: bytes.loadUnaligned(fromByteOffset: place * 4, as: Float.self)
          case .f16:
            Float(
              Float16(bitPattern: bytes.loadUnaligned(fromByteOffset: place * 2, as: UInt16.self)))
          default:
            Float(
              bitPattern: UInt32(bytes.loadUnaligned(fromByteOffset: place * 2, as: UInt16.self))
                << 16)
          }
        #expect(value == expected)
      }
    }
  }

  /// Rows of q and k come back in the order they had before llama.cpp's permutation, which is here
  /// the NumPy text of convert_hf_to_gguf.py in plain loops. Row r holds the number r.
  @Test(arguments: ["llama", "qwen2", "qwen3"])
  func restoresTheRowOrder(architecture: String) throws {
    try Fixtures.withFolder { folder in
      let path = folder + "/model.gguf"
      try TinyGGUF(architecture: architecture).write(path)
      let source = try ModelSource.open(folder)
      #expect(source.format == .gguf)
      for layer in 0..<source.config.layerCount {
        for kind in LinearKind.allCases {
          let shape = source.config.shape(of: kind)
          let values = try source.floats(kind.name(layer: layer) + ".weight")
          let rows = (0..<shape.rows).map { values[$0 * shape.columns] }
          #expect(rows == (0..<shape.rows).map { Float($0) })
        }
      }
      #expect(source.config.block.biases.contains(.query) == (architecture == "qwen2"))
      #expect(source.config.tiedEmbeddings)
      #expect((source.config.block.queryKeyNorm != nil) == (architecture == "qwen3"))
      if architecture == "qwen3" {
        #expect(try source.floats("model.layers.1.self_attn.k_norm.weight").last == 15)
      }
    }
  }

  /// Codes in canonical order are those of the weights: rounded once each, of two roundings in
  /// GGML.
  @Test(arguments: ["q4_0", "q4_1", "q8_0"])
  func codesAreTheWeights(type: String) throws {
    let source = try ModelSource.open(Fixtures.path("gguf/llama_\(type).gguf"))
    #expect(source.obstaclesToReusingCodes().isEmpty)
    for kind in LinearKind.allCases {
      let tensor = try source.tensor(kind.name(layer: 0) + ".weight")
      let rows = 1..<tensor.rows
      let kept = try #require(try source.codedRows(tensor, rows: rows)).dequantized()
      var weights = [Float](repeating: 0, count: rows.count * tensor.columns)
      try weights.withUnsafeMutableBufferPointer {
        try source.readRows(tensor, rows: rows, into: $0)
      }
      let largest = weights.map(abs).max() ?? 0
      for (value, weight) in zip(kept, weights) {
        #expect(abs(value - weight) <= (type == "q4_1" ? 2 * largest * 0x1p-24 : 0))
      }
    }
  }

  @Test func saysWhyCodesCannotBeKept() throws {
    let source = try ModelSource.open(Fixtures.path("gguf/llama_f16.gguf"))
    #expect(source.obstaclesToReusingCodes().count == 7)
  }

  @Test func yarnIsReadAndChecked() throws {
    try Fixtures.withFolder { folder in
      var model = TinyGGUF(architecture: "qwen3")
      func scaling(_ members: [(String, GGUFValue)]) throws -> RopeConfig.Scaling {
        model.ropeScaling = [("type", .text("yarn")), ("factor", .float32(4))] + members
        try model.write(folder + "/a.gguf")
        return try ModelSource.open(folder).config.rope.scaling
      }
      let length = ("original_context_length", GGUFValue.uint32(16))
      let yarn = RopeConfig.YaRN(
        factor: 4, attentionFactor: 0.1 * log(4) + 1, originalLength: 16)
      let read = try scaling([length])
      #expect(read == .yarn(yarn))
      #expect(throws: ModelFileError.self) { try scaling([]) }
      for (key, value) in [
        ("yarn_beta_fast", Float.nan), ("yarn_beta_slow", 33), ("yarn_beta_slow", .nan),
        ("attn_factor", .infinity), ("attn_factor", 0),
      ] {
        #expect(throws: ModelFileError.self, "\(key)") {
          try scaling([length, (key, .float32(value))])
        }
      }
    }
  }

  @Test func llama3FactorsAreRecognised() throws {
    try Fixtures.withFolder { folder in
      // theta 500000 and heads of 16: the rule of RopeConfig's documentation, worked out by hand
      // for wavelengths 2 pi theta^(i/8): kept below 2048, divided by 8 above 8192, blended
      // between.
      var factors: [Float] = []
      for i in 0..<8 {
        let wavelength = 2 * Double.pi * pow(500_000, Double(i) / 8)
        if wavelength < 2048 {
          factors.append(1)
        } else if wavelength > 8192 {
          factors.append(8)
        } else {
          let smooth = (8192 / wavelength - 1) / 3
          factors.append(Float(1 / ((1 - smooth) / 8 + smooth)))
        }
      }
      var model = TinyGGUF(architecture: "llama")
      model.theta = 500_000
      model.ropeFactors = factors
      try model.write(folder + "/a.gguf")
      let expected = RopeConfig.Scaling.llama3(
        factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalLength: 8192)
      #expect(try ModelSource.open(folder).config.rope.scaling == expected)
      model.ropeFactors?[3] = 2
      try model.write(folder + "/a.gguf")
      #expect(throws: ModelFileError.self) { try ModelSource.open(folder) }
    }
  }
}

@Suite struct HostileModelTests {
  private func faults(_ body: () throws -> Void) -> [String] {
    do {
      try body()
      return []
    } catch ModelFileError.faults(_, let faults) {
      return faults
    } catch { return ["\(error)"] }
  }

  @Test func nothingThere() {
    let error = #expect(throws: ModelFileError.self) { try ModelSource.open("/nonexistent/model") }
    #expect(error?.exitCode == 66)
    #expect(throws: ModelFileError.self) {
      try Fixtures.withFolder { try ModelSource.open($0) }
    }
  }

  @Test func missingShardIsNamed() throws {
    try Fixtures.withCopy(of: "dense_f32_sharded") { path in
      try FileManager.default.removeItem(atPath: path + "/model-00002-of-00003.safetensors")
      let error = #expect(throws: CheckpointError.self) { try ModelSource.open(path) }
      #expect(error?.exitCode == 66)
      #expect(error?.description.contains("model-00002-of-00003") == true)
    }
  }

  /// One wrong number in the configuration makes many shapes wrong: all are listed.
  @Test func wrongShapesAreAllListed() throws {
    try Fixtures.withCopy(of: "dense_bf16") { path in
      try Fixtures.edit(path + "/config.json", [("intermediate_size", 81)])
      let found = faults { _ = try ModelSource.open(path) }
      #expect(found.count == 2 * 3)
      #expect(found.allSatisfy { $0.contains("81") })
    }
  }

  @Test func missingTensorsAreAllListed() throws {
    try Fixtures.withCopy(of: "dense_bf16") { path in
      try Fixtures.edit(path + "/config.json", [("num_hidden_layers", 3)])
      #expect(faults { _ = try ModelSource.open(path) }.count == 9)
    }
  }

  @Test(arguments: [Float.nan, .infinity])
  func brokenWeightsAreNamed(bad: Float) throws {
    try Fixtures.withCopy(of: "dense_f32_sharded") { path in
      let name = "model.layers.1.mlp.down_proj.weight"
      let directory = try SafetensorsDirectory(path: path)
      let tensor = try directory.requiredTensor(named: name)
      let file = directory.file(of: tensor).path
      var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
      let place = tensor.byteRange.lowerBound + (5 * tensor.columns + 7) * 4
      withUnsafeBytes(of: bad) { bytes.replaceSubrange(place..<(place + 4), with: $0) }
      try AtomicFile.write(bytes, to: file)
      let source = try ModelSource.open(path)
      #expect(
        throws: ModelFileError.notFinite(path: path, tensor: name, row: 5, column: 7)
      ) { try source.floats(name) }
    }
  }

  @Test func twoModelsInAFolder() throws {
    try Fixtures.withFolder { folder in
      try TinyGGUF(architecture: "llama").write(folder + "/a.gguf")
      try TinyGGUF(architecture: "llama").write(folder + "/b.gguf")
      let error = #expect(throws: ModelFileError.self) { try ModelSource.open(folder) }
      #expect(error?.description.contains("a.gguf, b.gguf") == true)
    }
  }

  @Test func unknownArchitectureInGGUF() throws {
    try Fixtures.withFolder { folder in
      try TinyGGUF(architecture: "mamba").write(folder + "/a.gguf")
      let error = #expect(throws: ModelFileError.self) { try ModelSource.open(folder) }
      #expect(error?.description.contains("llama, qwen2") == true)
    }
  }

  /// A bias that the configuration does not speak of would be left out in silence.
  @Test func weightsThatNobodyReadsAreRefused() throws {
    try Fixtures.withFolder { folder in
      let path = folder + "/model.gguf"
      var model = TinyGGUF(architecture: "llama")
      model.extra = ["blk.0.attn_rot_embd.weight"]
      try model.write(path)
      _ = try ModelSource.open(path)
      model.extra = ["blk.0.attn_q.bias"]
      try model.write(path)
      let error = #expect(throws: ModelFileError.self) { try ModelSource.open(path) }
      #expect("\(error.map(String.init(describing:)) ?? "")".contains("attn_q.bias"))
      #expect(error?.exitCode == 65)
    }
  }
}
