internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import Interchange
internal import JSONText
internal import Kernels
internal import Quantization
import Testing

@Suite struct QuantizeModelTests {
  /// The base holds what quantizing the model's rows at once gives, with the other tensors as F16
  /// and F32, whatever the settings.
  @Test(
    arguments: ["dense_f32_sharded", "dense_f16", "dense_bf16", "dense_phi3"],
    [(4, -1, false), (3, 32, true), (2, 64, false), (8, 32, false)])
  func baseHoldsTheQuantizedModel(model: String, setting: (Int, Int, Bool)) throws {
    let settings = QuantizationSettings(
      bits: setting.0, groupSize: setting.1, symmetric: setting.2)
    try Scratch.withFolder { folder in
      let source = try ModelSource.open(Scratch.fixture(model))
      let output = folder + "/base"
      let report = try QuantizeModel(
        source, QuantizeOptions(settings: settings, allowPoorQuality: true),
        pool: WorkerPool(threads: 2)
      ).run(output: output)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["base"])

      let base = try QuantizedBase(path: output)
      defer { withExtendedLifetime(base) {} }
      try base.verifyDigest()
      #expect(base.manifest == report.manifest)
      #expect(base.manifest.settings == settings)
      #expect(base.manifest.fileSize == report.baseBytes)
      #expect(base.config == source.config)
      #expect(report.weightCount == 2 * (3 * 32 * 80 + 2 * 32 * 32 + 2 * 16 * 32))
      let (one, quantizer) = (WorkerPool(threads: 1), try RowQuantizer(settings))
      for kind in LinearKind.allCases {
        let weights = try source.floats(kind.name(layer: 1) + ".weight")
        let linear = base.linear(kind, layer: 1)
        let expected = try weights.withUnsafeBufferPointer {
          try quantizer.quantize(
            $0, rows: linear.layout.rows, columns: linear.layout.columns, pool: one)
        }
        #expect(linear.layout == expected.rows.layout)
        #expect(Array(linear.codes) == expected.rows.codes)
        #expect(Array(linear.scales) == expected.rows.scales)
        #expect(Array(linear.offsets) == expected.rows.zeros)
      }
      let norm = try base.tensor("model.layers.1.input_layernorm.weight")
      #expect(norm.type == .f32)
      #expect(
        Array(norm.bytes.bindMemory(to: Float.self))
          == (try source.floats("model.layers.1.input_layernorm.weight")))
      let head = try base.tensor("lm_head.weight")
      #expect(head.type == .f16)
      #expect(
        Array(head.bytes.bindMemory(to: Float16.self))
          == (try source.floats("lm_head.weight")).map { Float16($0) })
      for name in ["tokenizer.json", "config.json"] {
        #expect(
          FileManager.default.contentsEqual(
            atPath: output + "/" + name, andPath: Scratch.fixture(model) + "/" + name))
      }
    }
  }

  /// Each layer has the bits and groups that were asked for, and the codes that these give.
  @Test func layersDifferInBitsAndGroups() throws {
    let forms = [
      BaseManifest.Grid(bits: 2, groupSize: 32), BaseManifest.Grid(bits: 3, groupSize: -1),
      BaseManifest.Grid(bits: 4, groupSize: 64), BaseManifest.Grid(bits: 8, groupSize: -1),
    ]
    try Scratch.withFolder { folder in
      let source = try ModelSource.open(Scratch.fixture("dense_bf16"))
      var options = QuantizeOptions(settings: .init(bits: 4), allowPoorQuality: true)
      let names = (0..<2).flatMap { layer in LinearKind.allCases.map { $0.name(layer: layer) } }
      for (index, name) in names.enumerated() {
        options.grids[name] = forms[(index + index / 7) % forms.count]
      }
      let pool = WorkerPool(threads: 2)
      let report = try QuantizeModel(source, options, pool: pool).run(output: folder + "/base")
      let base = try QuantizedBase(path: folder + "/base")
      defer { withExtendedLifetime(base) {} }
      try base.verifyDigest()
      #expect(base.manifest == report.manifest)
      #expect(report.forms.forms.reduce(0) { $0 + $1.matrices } == names.count)
      for layer in 0..<2 {
        for kind in LinearKind.allCases {
          let name = kind.name(layer: layer)
          let linear = base.linear(kind, layer: layer)
          let settings = options.settings(of: name)
          let expected = try source.floats(name + ".weight").withUnsafeBufferPointer {
            try RowQuantizer(settings).quantize(
              $0, rows: linear.layout.rows, columns: linear.layout.columns, pool: pool)
          }
          #expect(linear.layout.bits == settings.bits)
          #expect(linear.layout.groups == expected.rows.layout.groups)
          #expect(Array(linear.codes) == expected.rows.codes, "\(name)")
          #expect(Array(linear.scales) == expected.rows.scales)
          #expect(Array(linear.offsets) == expected.rows.zeros)
        }
      }
    }
  }

  @Test func threadsDoNotChangeTheDigest() throws {
    try Scratch.withFolder { folder in
      let source = try ModelSource.open(Scratch.fixture("dense_bf16"))
      let digests = try [1, 2, 3].map { threads in
        try QuantizeModel(source, QuantizeOptions(), pool: WorkerPool(threads: threads))
          .run(output: folder + "/\(threads)").manifest.baseDigest
      }
      #expect(Set(digests).count == 1)
    }
  }

  /// Kept codes give the file's weights, and cost nothing.
  @Test(arguments: ["q4_0", "q4_1", "q8_0"])
  func keepsCodes(type: String) throws {
    try Scratch.withFolder { folder in
      let source = try ModelSource.open(Scratch.fixture("gguf/llama_\(type).gguf"))
      let report = try QuantizeModel(
        source, QuantizeOptions(reusesCodes: true), pool: WorkerPool(threads: 1)
      ).run(output: folder + "/base")
      let base = try QuantizedBase(path: folder + "/base")
      defer { withExtendedLifetime(base) {} }
      #expect(base.config == source.config)
      #expect(base.manifest.reusesCodes && base.manifest.settings.groupSize == 32)
      #expect(base.manifest.settings.bits == (type == "q8_0" ? 8 : 4))
      for kind in LinearKind.allCases {
        let weights = try source.floats(kind.name(layer: 0) + ".weight")
        let rows = base.linear(kind, layer: 0).rows
        #expect(rows.layout.offset == (type == "q4_1" ? .minima : .zeros))
        // GGML rounds the product before it adds the minimum: each of two roundings is 2^-24 of the
        // larger term.
        for (one, other) in zip(rows.dequantized(), weights) {
          #expect(abs(one - other) <= (type == "q4_1" ? 0.1 * 0x1p-23 : 0))
        }
      }
      #expect(report.errors.relative(nil) == 0)
      #expect(FileManager.default.fileExists(atPath: folder + "/base/tokenizer.gguf"))
      let tokenizer = try GGUFFile(path: folder + "/base/tokenizer.gguf")
      #expect(tokenizer.tensors.isEmpty)
      #expect(tokenizer["tokenizer.ggml.tokens"]?.array?.count == 96)
    }
  }

  @Test func planSaysWhatIsWritten() throws {
    try Scratch.withFolder { folder in
      let source = try ModelSource.open(Scratch.fixture("dense_f16"))
      let job = QuantizeModel(source, QuantizeOptions(), pool: WorkerPool(threads: 1))
      let plan = try job.plan(output: folder + "/base")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
      let report = try job.run(output: folder + "/base")
      let file = try SafetensorsFile(path: folder + "/base/base.safetensors")
      #expect(plan.byteCount == file.tensors.reduce(0) { $0 + $1.byteRange.count })
      #expect(plan.scaleCount == report.scaleCount)
      #expect(file.tensors.map(\.name) == plan.declarations.map(\.name))
    }
  }

  /// 1e5 does not fit in F16, so the matrix is stored as BF16.
  @Test func largeEmbeddingsBecomeBFloat16() throws {
    try Scratch.withModel { path in
      try Scratch.patch(path, "model.embed_tokens.weight", 7, 100_000)
      let output = path + "/../base"
      _ = try QuantizeModel(
        ModelSource.open(path), QuantizeOptions(), pool: WorkerPool(threads: 1)
      ).run(output: output)
      let base = try QuantizedBase(path: output)
      defer { withExtendedLifetime(base) {} }
      let embedding = try base.tensor("model.embed_tokens.weight")
      #expect(embedding.type == .bf16)
      let bits = embedding.bytes.loadUnaligned(fromByteOffset: 14, as: UInt16.self)
      #expect(BFloat16(bits: bits) == BFloat16(100_000))
      #expect(try base.tensor("lm_head.weight").type == .f16)
    }
  }
}
