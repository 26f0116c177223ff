internal import Checkpoints
internal import DecoderModel
internal import ExitCodes
internal import Foundation
internal import Interchange
internal import Kernels
internal import QuantizedFormats
internal import TestSupport
import Testing

/// The module that is damaged where nothing else is said.
private let up = "model.layers.1.mlp.up_proj"
/// Infinite in bf16, no number in fp16.
private let notFinite: UInt16 = 0x7F80

/// Damaged files of foreign programs: one error that says what and where, and nothing is written.
@Suite struct ImportHostileTests {
  /// A way to damage a model of the fixtures.
  struct Damage: Sendable, CustomTestStringConvertible {
    let what: String
    let fixture: String
    /// What the message has to name.
    let words: [String]
    var code: Int32 = 65
    let apply: @Sendable (inout ForeignCopy) throws -> Void

    init(
      _ what: String, _ fixture: String, _ words: [String], code: Int32 = 65,
      _ apply: @escaping @Sendable (inout ForeignCopy) throws -> Void
    ) {
      (self.what, self.fixture, self.words, self.code) = (what, fixture, words, code)
      self.apply = apply
    }

    /// Of config.json.
    init(_ fixture: String, _ old: String, _ new: String, _ words: [String]) {
      self.init("\(old) -> \(new)", fixture, words) { try $0.replace(old, new) }
    }

    var testDescription: String { "\(fixture): \(what)" }
  }

  static let tensors: [Damage] = [
    Damage("no qzeros", "gptq_4bit_g32", ["\(up).qzeros", "missing", "not written to its end"]) {
      try $0.remove("\(up).qzeros")
    },
    Damage("no scales", "gptq_4bit_g32", ["\(up).scales", "missing"]) {
      try $0.remove("\(up).scales")
    },
    Damage("no qweight", "gptq_4bit_g32", ["\(up).qweight", "missing"]) {
      try $0.remove("\(up).qweight")
    },
    Damage("no qzeros", "awq_4bit_g32", ["\(up).qzeros", "missing"]) {
      try $0.remove("\(up).qzeros")
    },
    Damage("no biases", "mlx_4bit_g32", ["\(up).biases", "missing"]) {
      try $0.remove("\(up).biases")
    },
    Damage("no scale", "ct_4bit_g32", ["\(up).weight_scale", "missing"]) {
      try $0.remove("\(up).weight_scale")
    },
    Damage("no codes", "ct_4bit_g32", ["\(up).weight_packed", "missing"]) {
      try $0.remove("\(up).weight_packed")
    },
    Damage("no norm", "gptq_4bit_g32", ["model.norm.weight", "missing"]) {
      try $0.remove("model.norm.weight")
    },
    Damage("wrong packing", "gptq_4bit_g32", [up, "[7, 160]", "2, 3, 4, 8"]) {
      try $0.reshape("\(up).qweight", [7, 160])
    },
    // 4 words for 64 codes are those of 2 bits, of which the zero points know nothing.
    Damage("packing of other bits", "gptq_4bit_g32", [up, "qzeros", "[2, 20]", "[2, 10]"]) {
      try $0.reshape("\(up).qweight", [4, 160])
    },
    Damage("wrong packing", "awq_4bit_g32", [up, "qweight", "[64, 23]"]) {
      try $0.reshape("\(up).qweight", [64, 23])
    },
    Damage("wrong packing", "mlx_4bit_g32", [up, "[160, 7]"]) {
      try $0.reshape("\(up).weight", [160, 7])
    },
    Damage("wrong packing", "ct_4bit_g32", [up, "[160, 7]"]) {
      try $0.reshape("\(up).weight_packed", [160, 7])
    },
    Damage("a group too many", "gptq_4bit_g32", [up, "3 groups for 64 columns"]) {
      try $0.reshape("\(up).scales", [3, 160])
    },
    Damage("scales of other rows", "gptq_4bit_g32", [up, "scales", "[2, 159]"]) {
      try $0.reshape("\(up).scales", [2, 159])
    },
    Damage("scales of other rows", "mlx_4bit_g32", [up, "[159, 2]"]) {
      try $0.reshape("\(up).scales", [159, 2])
      try $0.reshape("\(up).biases", [159, 2])
    },
    Damage("zero points of other rows", "ct_4bit_asym", ["layers.0.mlp.up_proj", "[19, 2]"]) {
      try $0.reshape("model.layers.0.mlp.up_proj.weight_zero_point", [19, 2])
    },
    Damage("integer scales", "gptq_4bit_g32", [up, "I16", "F16 or BF16"]) {
      try $0.change("\(up).scales") { tensor, _ in tensor.type = .i16 }
    },
    Damage("a group that is not there", "gptq_4bit_g32_act", [up, "g_idx", "groups 0 to 1"]) {
      try $0.store(Int32(2), 5, "\(up).g_idx")
    },
    Damage("a negative group", "gptq_4bit_g32_act", [up, "g_idx", "group -1"]) {
      try $0.store(Int32(-1), 5, "\(up).g_idx")
    },
    Damage("uneven groups", "gptq_4bit_g32", [up, "g_idx", "31", "takes 32"]) {
      try $0.store(Int32(1), 0, "\(up).g_idx")
    },
    Damage("g_idx too short", "gptq_4bit_g32", [up, "g_idx", "[63]", "[64]"]) {
      try $0.reshape("\(up).g_idx", [63])
    },
    Damage("act-order without g_idx", "gptq_4bit_g32_act", [up, "g_idx"]) {
      try $0.remove("\(up).g_idx")
    },
    Damage("act-order of compressed-tensors", "ct_4bit_g32", [up, "weight_g_idx", "static"]) {
      $0.add("\(up).weight_g_idx", .i32, [64])
    },
    Damage("a scale of NaN", "gptq_4bit_g32", [up, "NaN or infinite"]) {
      try $0.store(notFinite, 3, "\(up).scales")
    },
    Damage("an infinite scale", "gptq_3bit_row", ["layers.0.mlp.up_proj", "row 3:"]) {
      // One group: number 3 is that of row 3.
      try $0.store(notFinite, 3, "model.layers.0.mlp.up_proj.scales")
    },
    Damage("an infinite scale", "awq_4bit_g32", [up, "row 3:"]) {
      try $0.store(notFinite, 3, "\(up).scales")
    },
    Damage("an infinite bias", "mlx_4bit_g32", [up, "row 1:"]) {
      try $0.store(notFinite | 0x8000, 3, "\(up).biases")
    },
    Damage("an infinite scale of the embeddings", "mlx_2bit_g32", ["embed_tokens", "row 95:"]) {
      try $0.store(notFinite, 191, "model.embed_tokens.scales")
    },
    Damage("a scale of NaN", "ct_4bit_g32", [up, "row 1:"]) {
      try $0.store(notFinite, 3, "\(up).weight_scale")
    },
  ]

  static let configs: [Damage] = [
    method("bitsandbytes"), method("hqq"), method("fp8"), method("quanto"), method("torchao"),
    layout("marlin"), layout("gptq_p"),
    Damage(
      "gptq_4bit_g32", #""pack_dtype": "int32""#, #""pack_dtype": "int16""#, ["int16", "int32"]),
    Damage("awq_4bit_g32", #""version": "gemm""#, #""version": "gemv""#, ["gemv", "\"gemm\""]),
    Damage("awq_4bit_g32", #""bits": 4"#, #""bits": 8"#, ["AWQ with 8 bits", "only 4"]),
    Damage("mlx_4bit_g32", #""mode": "affine""#, #""mode": "mxfp4""#, ["mxfp4", "affine"]),
    Damage("ct_4bit_g32", #""type": "int""#, #""type": "float""#, ["\"float\"", "integers"]),
    Damage(
      "ct_4bit_g32", #""strategy": "group""#, #""strategy": "block""#,
      ["\"block\"", "channel or group"]),
    Damage(
      "ct_4bit_g32", #""format": "pack-quantized""#, #""format": "marlin-24""#,
      ["marlin-24", "pack-quantized"]),
    Damage("ct_4bit_g32", #""num_bits": 4"#, #""num_bits": 7"#, ["no bits", "7"]),
    Damage("ct_4bit_g32", #""num_bits": 4"#, #""num_bits": 8"#, ["codes have shape", "[8] bits"]),
  ]

  private static func method(_ name: String) -> Damage {
    Damage(
      "gptq_4bit_g32", #""quant_method": "gptq""#, #""quant_method": "\#(name)""#,
      ["/model: ", "\"\(name)\"", "gptqmodel"])
  }

  private static func layout(_ name: String) -> Damage {
    Damage(
      "gptq_4bit_g32", #""checkpoint_format": "gptq""#, #""checkpoint_format": "\#(name)""#,
      ["/model: ", "\"\(name)\"", "gptq_v2"])
  }

  static let files: [Damage] = [
    Damage("no weights", "gptq_4bit_g32", ["model.safetensors"], code: 66) {
      try FileManager.default.removeItem(atPath: $0.weights)
    },
    Damage("no shard", "mlx_4bit_g32", ["model.safetensors", "copy it"], code: 66) {
      try FileManager.default.removeItem(atPath: $0.weights)
    },
    Damage("no second shard", "mlx_4bit_g32", ["/b.safetensors", "copy it"], code: 66) {
      try $0.replace(
        #""lm_head.biases": "model.safetensors""#, #""lm_head.biases": "b.safetensors""#,
        in: "model.safetensors.index.json")
      try $0.replace(
        #""model.safetensors""#, #""a.safetensors""#, in: "model.safetensors.index.json")
      try FileManager.default.moveItem(atPath: $0.weights, toPath: $0.path + "/a.safetensors")
    },
    Damage("no tokenizer", "gptq_4bit_g32", ["tokenizer.json", "Copy it"], code: 66) {
      try FileManager.default.removeItem(atPath: $0.path + "/tokenizer.json")
    },
    Damage("config.json cut", "gptq_4bit_g32", ["config.json", "not JSON"]) {
      let file = $0.path + "/config.json"
      try AtomicFile.write(Array(OpenFile.contents(of: file).dropLast(9)), to: file)
    },
  ]

  /// So many bytes are left of the weights; of a negative number all but so many.
  static let cuts: [Damage] = [0, 7, 100, 40_000, -1].map { count in
    Damage("\(count) bytes left", "gptq_4bit_g32", ["model.safetensors", "get it again"]) {
      let bytes = try OpenFile.contents(of: $0.weights)
      try AtomicFile.write(
        Array(bytes[..<(count < 0 ? bytes.count + count : count)]), to: $0.weights)
    }
  }

  @Test(arguments: tensors + configs + files + cuts)
  func damageIsNamedAndNothingIsLeft(_ damage: Damage) throws {
    try Scratch.withFolder { folder in
      var model = try ForeignCopy(damage.fixture, in: folder)
      try damage.apply(&model)
      try model.write()
      try expectRefused(model.path, damage.words, code: damage.code)
    }
  }

  private func expectRefused(_ model: String, _ words: [String], code: Int32) throws {
    let folder = URL(filePath: model).deletingLastPathComponent()
    let error = #expect(throws: (any Error).self) {
      try ForeignFixture.quantize(model, to: folder.appending(path: "base").path)
    }
    guard let error else { return }
    let text = "\(error)"
    #expect(error.programExitCode == code, "\(text)")
    #expect(text.hasPrefix(folder.path), "names the file: \(text)")
    for word in words { #expect(text.contains(word), "\(text)") }
    let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(left == [URL(filePath: model).lastPathComponent])
  }

  /// What is damaged above was whole: the copies themselves are fine.
  @Test(arguments: Set((tensors + configs).map(\.fixture)).sorted())
  func copiesAreWhole(name: String) throws {
    try Scratch.withFolder { folder in
      var model = try ForeignCopy(name, in: folder)
      model.isChanged = true
      try model.write()
      try ForeignFixture.quantize(model.path, to: folder + "/base")
    }
  }

  /// A place in a GGUF file, and what is written there.
  struct Patch: Sendable, CustomTestStringConvertible {
    let file: String
    let tensor: String
    let place: Place
    let bytes: [UInt8]
    let words: [String]

    enum Place: Sendable {
      case type
      case data(Int)
    }

    init(
      _ file: String, _ tensor: String, _ place: Place, _ bytes: [UInt8], _ words: [String]
    ) {
      (self.file, self.tensor, self.place) = (file, tensor, place)
      (self.bytes, self.words) = (bytes, words)
    }

    /// Another type of a tensor of Q4_0.
    init(type: UInt8, _ words: [String]) {
      self.init("q4_0", "blk.0.attn_k.weight", .type, [type, 0, 0, 0], words)
    }

    var testDescription: String { "\(file), \(tensor): \(place) \(bytes)" }
  }

  static let patches: [Patch] = [
    Patch(type: 16, ["blk.0.attn_k.weight", "IQ2_XXS", "Supported: "]),
    Patch(type: 34, ["blk.0.attn_k.weight", "TQ1_0", "Supported: "]),
    Patch(type: 39, ["blk.0.attn_k.weight", "MXFP4", "Supported: "]),
    Patch(type: 99, ["blk.0.attn_k.weight", "number 99", "Supported: "]),
    // Blocks of Q8_0 are larger: they would reach into the next tensor.
    Patch(type: 8, ["attn_k.weight", "overlap"]),
    Patch("q4_0", "blk.0.attn_k.weight", .data(0), [0, 0x7C], ["k_proj", "NaN or infinite"]),
    Patch("q4_1", "blk.0.ffn_up.weight", .data(2), [0, 0xFC], ["mlp.up_proj", "row 0:"]),
    Patch("q4_k", "blk.0.ffn_up.weight", .data(146), [0, 0x7E], ["mlp.up_proj", "row 1:"]),
    Patch("q6_k", "blk.0.attn_v.weight", .data(208), [0, 0x7E], ["v_proj", "row 0:"]),
    Patch(
      "q8_0", "output_norm.weight", .data(4), [0, 0, 0x80, 0x7F],
      ["model.norm.weight", "NaN or infinite"]),
  ]

  @Test(arguments: patches) func damagedBlocksAreNamed(_ patch: Patch) throws {
    try Scratch.withFolder { folder in
      let path = ForeignFixture(name: "gguf/\(patch.file).gguf").path
      let tensor = try GGUFFile(path: path).requiredTensor(named: patch.tensor)
      var bytes = try OpenFile.contents(of: path)
      let start: Int
      switch patch.place {
      case .data(let place): start = tensor.byteRange.lowerBound + place
      case .type:
        // Length and text of the name, number of dimensions, dimensions, type.
        let name = Data(patch.tensor.utf8)
        let found = try #require(Data(bytes).range(of: name))
        start = found.upperBound + 4 + 8 * tensor.shape.count
        let code = try #require(tensor.type.ggmlCode)
        try #require(bytes[start] == UInt8(code), "the type stands here")
      }
      bytes.replaceSubrange(start..<start + patch.bytes.count, with: patch.bytes)
      try AtomicFile.write(bytes, to: folder + "/model.gguf")
      try expectRefused(folder + "/model.gguf", patch.words, code: 65)
    }
  }

  @Test(arguments: [0, 23, 1000, 20_000, -64]) func cutGGUFFilesAreRefused(count: Int) throws {
    try Scratch.withFolder { folder in
      let bytes = try OpenFile.contents(of: ForeignFixture(name: "gguf/q4_0.gguf").path)
      try AtomicFile.write(
        Array(bytes[..<(count < 0 ? bytes.count + count : count)]), to: folder + "/model.gguf")
      try expectRefused(folder + "/model.gguf", ["model.gguf"], code: 65)
    }
  }

  /// Damaged at random: a model opens and its rows can be read, or there is an error with a code.
  @Test(arguments: ["gptq_4bit_g32_act", "mlx_mixed", "ct_4bit_asym"])
  func mutatedConfigurationsAreNotTrusted(name: String) throws {
    let rounds = ProcessInfo.processInfo.environment["PEQA_FUZZ"].flatMap { Int($0) } ?? 200
    try Scratch.withFolder { folder in
      let model = try ForeignCopy(name, in: folder)
      let file = model.path + "/config.json"
      let whole = try OpenFile.contents(of: file)
      var random = SplitMix64(seed: 20_261_128)
      var refused = 0
      for _ in 0..<rounds {
        try Data(whole.mutated(&random)).write(to: URL(filePath: file))
        do {
          let source = try ModelSource.open(model.path)
          for tensor in source.tensors where tensor.rows > 0 {
            _ = try source.codedRows(tensor, rows: 0..<1)
          }
        } catch {
          refused += 1
          #expect(error is any ExitCoded, "\(error)")
          #expect(error.programExitCode == 65 || error.programExitCode == 66, "\(error)")
        }
      }
      // A reader that took everything would not be caught otherwise.
      #expect(refused > rounds / 4)
    }
  }
}
