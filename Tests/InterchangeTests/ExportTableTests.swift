internal import Checkpoints
internal import DecoderModel
internal import ExitCodes
internal import Foundation
internal import Interchange
internal import JSONText
internal import Kernels
internal import Quantization
internal import QuantizedFormats
internal import TestSupport
import Testing

/// Which format holds which codes exactly: cell by cell, by what stands in the files afterwards.
@Suite struct ExportTableTests {
  /// How a base of our own is quantized.
  struct Grid: Sendable, CustomTestStringConvertible {
    let bits: Int
    let groupSize: Int
    let symmetric: Bool

    var testDescription: String {
      "\(bits) bits, group \(groupSize), \(symmetric ? "z = \(1 << (bits - 1))" : "any z")"
    }
  }

  static let grids = [2, 3, 4, 8].flatMap { bits in
    [-1, 32, 64].flatMap { groupSize in
      [true, false].map { Grid(bits: bits, groupSize: groupSize, symmetric: $0) }
    }
  }

  /// What a cell of the table says.
  enum Cell { case exact, measured, refused }

  /// Docs: the lossless table of docs/file-formats.md. Widths are 64 and 160: groups of 64 leave
  /// half a group, which AWQ and compressed-tensors do not have.
  static func cell(_ format: ExportFormat, _ grid: Grid) -> Cell {
    switch format {
    // Scales fp16 and zero points of as many bits as codes.
    case .gptq: .exact
    case .awq: grid.bits == 8 ? .refused : grid.groupSize == 64 ? .measured : .exact
    case .compressedTensors: grid.groupSize == 64 ? .measured : .exact
    // -s z of 11 and 8 bits is a number of float32.
    case .mlx: .exact
    // q - z of 8 bits and any z leaves -128 to 127.
    case .gguf: grid.bits == 8 && !grid.symmetric ? .measured : .exact
    // s (q - z) of 11 bits and more is no number of fp16, unless few weights are meant.
    case .hf: .measured
    }
  }

  /// Of an exact cell, what llama.cpp's types are called that hold it.
  static func blockTypes(_ grid: Grid) -> Set<String> {
    switch grid.bits {
    case 2, 3: ["Q4_0"]
    case 4: grid.symmetric ? ["Q4_0"] : ["Q4_0", "Q5_0"]
    default: ["Q8_0"]
    }
  }

  @Test(arguments: grids) func cellsAreAsTheTableSays(_ grid: Grid) throws {
    let folder = try TemporaryFolder()
    let base = try Self.base(grid, in: folder)
    defer { withExtendedLifetime((folder, base)) {} }
    try base.writeAdapter(to: folder("task"))
    let task = try base.task(folder("task"))
    for format in ExportFormat.allCases {
      let cell = Self.cell(format, grid)
      let tuned = try TunedBase(base, adapter: folder("task"))
      func job(_ allowsLoss: Bool) -> ExportJob {
        ExportJob(
          tuned, ExportOptions(format: format, allowsLoss: allowsLoss),
          pool: WorkerPool(threads: 1))
      }
      let output = folder("\(format)")
      let exact = Result { try job(false).run(output: output) }
      switch exact {
      case .success(let report):
        #expect(cell != .refused, "\(format)")
        #expect(report.largestDifference == 0 && report.tensors.allSatisfy { $0.isExact })
        #expect(try difference(output, base, task) == 0, "\(format)")
        try expectConsistentConfig(output, format)
        if format == .gguf, cell == .exact {
          let forms = Set(report.tensors.filter { $0.name.contains("ffn") }.map(\.form))
          #expect(forms.subtracting(["F32"]).isSubset(of: Self.blockTypes(grid)), "\(forms)")
        }
      case .failure(let error):
        #expect(cell != .exact, "\(format): \(error)")
        #expect(error.programExitCode == 65)
        #expect(!FileManager.default.fileExists(atPath: output))
        // What is accepted with consent is what the plan has measured.
        guard let loss = error as? ExportError else {
          #expect(throws: (any Error).self) { try job(true).run(output: output) }
          continue
        }
        let plan = try job(true).plan()
        let report = try job(true).run(output: output)
        let measured = try difference(output, base, task)
        let planned = plan.tensors.map(\.largestError).max() ?? 0
        #expect(!plan.isExact && measured > 0, "\(format) is not exact")
        // Both differences are of numbers that were rounded to float32.
        #expect(abs(measured - report.largestDifference) <= 1e-6 * measured, "\(format)")
        #expect(abs(measured - planned) <= 1e-6 * measured + 0x1p-23, "\(format)")
        let worst = try #require(plan.worst)
        #expect(loss.description.contains(String(format: "%.2g", worst.relativeError)))
      }
      let left = try folder.contents
      #expect(!left.contains { $0.hasPrefix(".") }, "\(format) leaves nothing behind")
    }
  }

  /// Groups of 32 of which 80 columns leave half: GPTQ has them, others name the layer.
  @Test(arguments: ["dense_f16", "dense_bf16"], [4, 8]) func partialGroups(
    model: String, bits: Int
  ) throws {
    let folder = try TemporaryFolder()
    let base = try Self.quantize(
      Scratch.fixture(model), Grid(bits: bits, groupSize: 32, symmetric: false), folder)
    defer { withExtendedLifetime((folder, base)) {} }
    func job(_ format: ExportFormat) throws -> ExportJob {
      ExportJob(
        try TunedBase(base), ExportOptions(format: format), pool: WorkerPool(threads: 1))
    }
    let report = try job(.gptq).run(output: folder("gptq"))
    #expect(report.largestDifference == 0)
    #expect(try difference(folder("gptq"), base, nil) == 0)
    try expectConsistentConfig(folder("gptq"), .gptq)
    for (format, name) in [(ExportFormat.mlx, "mlp.down_proj"), (.gguf, "ffn_down")] {
      let error = #expect(throws: ModelFileError.self) {
        try job(format).run(output: folder("\(format)"))
      }
      #expect(error?.exitCode == 65)
      #expect(error?.description.contains(name) == true)
      #expect(error?.description.contains("80 columns") == true)
      #expect(!FileManager.default.fileExists(atPath: folder("\(format)")))
    }
    for format in [ExportFormat.awq, .compressedTensors] {
      let output = folder("\(format)")
      guard (try? job(format).run(output: output)) != nil else { continue }
      #expect(try difference(output, base, nil) == 0)
      try expectConsistentConfig(output, format)
    }
  }

  /// From one program to another, without a base of ours between.
  @Test(
    arguments: [
      ("gptq_4bit_g32", [ExportFormat.awq, .mlx, .gguf, .compressedTensors]),
      ("gptq_3bit_row", [.awq, .mlx, .gguf, .compressedTensors]),
      ("gptq_4bit_g32_asym", [.awq, .mlx, .gguf, .compressedTensors]),
      ("gptq_qwen2", [.awq, .mlx, .gguf, .compressedTensors]),
      ("awq_4bit_g32", [.gptq, .mlx, .compressedTensors]),
      ("ct_4bit_g32", [.gptq, .mlx]), ("ct_4bit_asym", [.gptq, .awq, .mlx, .gguf]),
      ("ct_8bit_channel", [.gptq, .mlx, .gguf]),
      ("gguf/q4_0.gguf", [.gptq, .awq, .mlx, .compressedTensors]),
      ("gguf/q5_0.gguf", [.gptq, .mlx, .compressedTensors]),
      ("gguf/q8_0.gguf", [.gptq, .mlx, .compressedTensors]), ("gguf/q4_1.gguf", [.mlx]),
      ("gguf/q4_k.gguf", [.mlx]), ("gguf/q6_k.gguf", []), ("mlx_4bit_g32", []),
    ] as [(String, [ExportFormat])])
  func otherProgramsFormats(name: String, exact: [ExportFormat]) throws {
    let folder = try TemporaryFolder()
    let fixture = ForeignFixture(name: name)
    try fixture.quantize(to: folder("base"))
    let base = try QuantizedBase(path: folder("base"))
    defer { withExtendedLifetime((folder, base)) {} }
    let ids = try fixture.ids
    let tuned = try logits(folder("base"), ids)
    for format in ExportFormat.allCases where format.rawValue != fixture.format {
      let output = folder("\(format)")
      let job = ExportJob(
        try TunedBase(base), ExportOptions(format: format, dtype: .fp32),
        pool: WorkerPool(threads: 1))
      do {
        let report = try job.run(output: output)
        #expect(report.largestDifference == 0)
        #expect(try difference(output, base, nil) == 0, "\(format)")
        try expectConsistentConfig(output, format)
        let distance = largestDifference(try logits(output, ids), tuned)
        #expect(distance < ImportTests.tolerance, "\(format)")
      } catch {
        #expect(!exact.contains(format) && format != .hf, "\(format): \(error)")
        #expect(error.programExitCode == 65, "\(format): \(error)")
        #expect(!FileManager.default.fileExists(atPath: output))
      }
    }
  }

  /// A vocabulary of 8 bits goes into every format without loss: as codes, or as fp16.
  @Test(arguments: [ExportFormat.gptq, .mlx, .gguf, .hf])
  func vocabularyOfEightBits(format: ExportFormat) throws {
    let folder = try TemporaryFolder()
    try Self.writeDense(to: folder("dense"))
    var options = QuantizeOptions(
      settings: QuantizationSettings(bits: 4, groupSize: 32, symmetric: true))
    options.quantizesVocabulary = true
    let source = try ModelSource.open(folder("dense"))
    _ = try QuantizeModel(source, options, pool: WorkerPool(threads: 2)).run(output: folder("base"))
    let base = try QuantizedBase(path: folder("base"))
    defer { withExtendedLifetime((folder, base)) {} }
    for name in ["model.embed_tokens.weight", "lm_head.weight"] {
      let matrix = try #require(base.quantizedVocabulary(name))
      #expect(matrix.layout.bits == 8 && matrix.layout.groupSize == 64)
      // Half a step, which is at most 9/8 of a 127th of the largest weight.
      let weights = try source.floats(name)
      let largest = weights.reduce(0) { max($0, abs($1)) }
      for (one, other) in zip(matrix.rows.dequantized(), weights) {
        #expect(abs(one - other) <= largest / 127 * 9 / 16)
      }
    }
    let output = folder("\(format)")
    let job = ExportJob(
      try TunedBase(base), ExportOptions(format: format, dtype: .fp32),
      pool: WorkerPool(threads: 1))
    let report = try job.run(output: output)
    #expect(report.largestDifference == 0)
    #expect(try difference(output, base, nil) == 0)
    let ids = (0..<24).map { Int32($0 * 5 % base.config.vocabularySize) }
    let distance = largestDifference(try logits(output, ids), try logits(folder("base"), ids))
    #expect(distance < ImportTests.tolerance)
    let embedding = try ModelSource.open(output).tensors.first {
      $0.name == "model.embed_tokens.weight"
    }
    let types: [ExportFormat: ElementType] = [.gptq: .f16, .hf: .f32, .gguf: .q8_0, .mlx: .u32]
    #expect(embedding?.type == types[format])
  }

  // MARK: Bases

  static func base(_ grid: Grid, in folder: TemporaryFolder) throws -> QuantizedBase {
    try writeDense(to: folder("dense"))
    return try quantize(folder("dense"), grid, folder)
  }

  private static func quantize(
    _ model: String, _ grid: Grid, _ folder: TemporaryFolder
  ) throws -> QuantizedBase {
    let settings = QuantizationSettings(
      bits: grid.bits, groupSize: grid.groupSize, symmetric: grid.symmetric)
    _ = try QuantizeModel(
      ModelSource.open(model), QuantizeOptions(settings: settings, allowPoorQuality: true),
      pool: WorkerPool(threads: 1)
    ).run(output: folder("base"))
    return try QuantizedBase(path: folder("base"))
  }

  /// A model of random weights with the widths of a foreign one.
  private static func writeDense(to path: String) throws {
    let template = ForeignFixture(name: "ct_4bit_asym").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    let json = try ModelFiles.json(template + "/config.json")
    let members = (json.members ?? []).filter { $0.key != "quantization_config" }
    try AtomicFile.write(JSONValue.object(members).text(), to: path + "/config.json")
    for name in ["tokenizer.json", "tokenizer_config.json"] {
      try FileManager.default.copyItem(
        atPath: template + "/" + name, toPath: path + "/" + name)
    }
    let config = try DecoderConfig(huggingFace: .object(members), path: path)
    let tensors = config.expectedTensors.map {
      TensorDeclaration(name: $0.name, type: .f32, shape: $0.shape)
    }
    let writer = try SafetensorsWriter(
      path: path + "/" + SafetensorsDirectory.singleName, tensors: tensors)
    var random = SplitMix64(seed: 5)
    for tensor in tensors {
      let width = Float(tensor.shape.count == 2 ? tensor.shape[1] : 1).squareRoot()
      // Skewed, so that zero points of free grids are far from the middle in some groups.
      let numbers = (0..<tensor.shape.reduce(1, *)).map { _ -> Float in
        let x = Float(random.unitInterval() + random.unitInterval() + random.unitInterval())
        return tensor.shape.count == 1 ? 0.5 + x / 3 : (x - 1.4) * 2 / width
      }
      try writer.append(numbers, to: tensor.name)
    }
    try writer.finish()
  }

  // MARK: What stands in the files

  /// Largest difference of any number of the model that an export holds from the tuned base's.
  private func difference(
    _ output: String, _ base: QuantizedBase, _ task: AdapterScales?
  ) throws -> Double {
    let source = try ModelSource.open(output)
    #expect(source.tensors.map(\.name) == base.config.expectedTensors.map(\.name))
    return try source.tensors.reduce(0) { largest, tensor in
      let wanted = try base.floats(tensor.expected, task)
      return max(largest, Double(largestDifference(try source.floats(tensor.name), wanted)))
    }
  }

  /// Config.json describes every module: readers that go by it and not by shapes find as many
  /// groups and words as there are.
  private func expectConsistentConfig(_ output: String, _ format: ExportFormat) throws {
    guard format != .gguf, format != .hf else { return }
    let config = try ModelFiles.json(output + "/config.json")
    let settings = try #require(config["quantization_config"])
    let source = try ModelSource.open(output)
    for tensor in source.tensors {
      guard let coded = tensor.coded else { continue }
      func shape(_ part: String) throws -> [Int] { try #require(coded.parts[part]).shape }
      let own = settings[coded.module] ?? settings["config_groups"]?["group_0"]?["weights"]
      let said = own ?? settings
      let bits = try #require(said["bits"]?.int ?? said["num_bits"]?.int, "\(coded.module)")
      let size = said["group_size"]?.unlessNull?.int ?? -1
      let groups = size == -1 ? 1 : (tensor.columns + size - 1) / size
      let place = "\(format) \(coded.module): group_size \(size), \(bits) bits"
      switch format {
      case .gptq:
        #expect(try shape("scales")[0] == groups, "\(place)")
        #expect(try shape("qweight")[0] == (tensor.columns * bits + 31) / 32, "\(place)")
      case .awq:
        #expect(try shape("scales")[0] == groups, "\(place)")
        #expect(size == -1 || tensor.columns % size == 0, "\(place)")
      case .mlx:
        #expect([32, 64, 128].contains(size), "\(place)")
        #expect(try shape("scales")[1] * size == tensor.columns, "\(place)")
        #expect(try shape("weight")[1] * 32 == tensor.columns * bits, "\(place)")
      default:
        #expect(try shape("weight_scale")[1] == groups, "\(place)")
        #expect(size == -1 || tensor.columns % size == 0, "\(place)")
        #expect(try shape("weight_packed")[1] == (tensor.columns * bits + 31) / 32, "\(place)")
        let isChannel = said["strategy"]?.string == "channel"
        #expect(isChannel == (size == -1), "\(place)")
        #expect((said["symmetric"]?.bool == true) == (coded.parts["weight_zero_point"] == nil))
      }
    }
  }

  /// llama.cpp wants experts along a dimension of their own: [experts, rows, columns].
  @Test func expertsAreStacked() throws {
    try Scratch.withFolder { folder in
      let base = try QuantizedBase(path: Scratch.fixture("mixtral_4bit_g32"))
      let job = ExportJob(
        try TunedBase(base), ExportOptions(format: .gguf, allowsLoss: true),
        pool: WorkerPool(threads: 1))
      _ = try job.run(output: folder + "/a.gguf")
      let file = try GGUFFile(path: folder + "/a.gguf")
      let experts = try #require(base.config.block.experts)
      for name in ["gate", "up", "down"] {
        let tensor = try file.requiredTensor(named: "blk.0.ffn_\(name)_exps.weight")
        let kind: LinearKind = name == "gate" ? .gate : name == "up" ? .up : .down
        let shape = base.config.shape(of: kind)
        #expect(tensor.shape == [experts.count, shape.rows, shape.columns])
      }
    }
  }
}
