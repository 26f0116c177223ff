internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import Interchange
internal import JSONText
internal import Kernels
internal import Quantization
internal import QuantizedFormats
internal import Synchronization
import Testing

/// A file that was imported comes back as it was, with other scales where there is a task.
@Suite struct ExportTests {
  // MARK: Without a task

  /// Bytes of everything that the foreign program wrote.
  @Test(arguments: ForeignFixture.importable)
  func theSameFileComesBack(_ fixture: ForeignFixture) throws {
    try withExport(fixture) { export in
      #expect(export.report.handsBack)
      #expect(export.report.largestDifference == 0)
      #expect(export.report.tensors.allSatisfy { $0.isExact })
      if fixture.isGGUF {
        let same = try OpenFile.contents(of: export.path) == OpenFile.contents(of: fixture.path)
        #expect(same, "the whole file")
      } else {
        #expect(try changedTensors(fixture.path, export.path) == [])
      }
      try expectSameSidecars(fixture, export.path)
    }
  }

  // MARK: With a task

  /// Only scales have changed, and the minima that follow them; and the weights are the task's.
  @Test(arguments: ForeignFixture.importable)
  func onlyScalesChange(_ fixture: ForeignFixture) throws {
    try withExport(fixture, form: .scales) { export in
      let changed = try changedTensors(fixture.path, export.path)
      let linears = export.base.config.expectedTensors.filter {
        if case .linear = $0.role { true } else { false }
      }
      // Every linear layer has scales whose factor is not 1; the vocabulary has none.
      #expect(changed.count { $0.hasSuffix(fixture.scaleSuffix) } == linears.count)
      let suffixes = [fixture.scaleSuffix] + (fixture.format == "mlx" ? [".biases"] : [])
      #expect(changed.allSatisfy { name in suffixes.contains { name.hasSuffix($0) } })
      #expect(changed.allSatisfy { $0.contains(fixture.isGGUF ? "blk." : "model.layers.") })
      if fixture.isGGUF { try expectSameCodes(fixture.path, export.path) }
      try expectSameSidecars(fixture, export.path)
      try expectWeights(export)
    }
  }

  /// One gain a row over groups; block scales stay as they are, their common scale turns.
  @Test(
    arguments: ["gptq_4bit_g32_act", "awq_4bit_g32", "mlx_mixed", "ct_4bit_asym", "gguf/q4_1.gguf"]
      + ["gguf/q4_k.gguf", "gguf/q6_k.gguf"])
  func gainsBecomeScales(name: String) throws {
    let fixture = ForeignFixture(name: name)
    try withExport(fixture, form: .gains) { export in
      if fixture.isGGUF { try expectSameCodes(fixture.path, export.path) }
      try expectSameSidecars(fixture, export.path)
      try expectWeights(export)
    }
  }

  /// Both are fp32 over the same weights, the base's in another order of additions: see
  /// `ImportTests.tolerance`.
  @Test(arguments: ForeignFixture.importable)
  func logitsAreTheTasks(_ fixture: ForeignFixture) throws {
    try withExport(fixture, form: .scales) { export in
      let ids = try fixture.ids
      let tuned = try logits(export.base.path, ids, adapter: export.adapter)
      let plain = try logits(export.base.path, ids)
      let written = try logits(export.path, ids)
      #expect(largestDifference(written, tuned) < ImportTests.tolerance)
      // The task does something.
      #expect(largestDifference(plain, tuned) > 10 * ImportTests.tolerance)
    }
  }

  // MARK: What is compared

  struct Export {
    let base: QuantizedBase
    let adapter: String?
    /// The directory or file that was written.
    let path: String
    let report: ExportReport
  }

  /// Imports a fixture and exports it in its own format.
  private func withExport(
    _ fixture: ForeignFixture, form: AdapterScales.Form? = nil, _ body: (Export) throws -> Void
  ) throws {
    try Scratch.withFolder { folder in
      try fixture.quantize(to: folder + "/base")
      let base = try QuantizedBase(path: folder + "/base")
      defer { withExtendedLifetime(base) {} }
      if let form { try base.writeAdapter(to: folder + "/task", form) }
      let adapter = form == nil ? nil : folder + "/task"
      let path = folder + (fixture.isGGUF ? "/out.gguf" : "/out")
      let format = try #require(ExportFormat(rawValue: fixture.format))
      let job = ExportJob(
        try TunedBase(base, adapter: adapter), ExportOptions(format: format),
        pool: WorkerPool(threads: 1))
      let plan = try job.plan()
      #expect(plan.isExact && plan.handsBack)
      let report = try job.run(output: path)
      #expect(report.tensors == plan.tensors)
      try body(Export(base: base, adapter: adapter, path: path, report: report))
      let left = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(!left.contains { $0.hasPrefix(".") }, "nothing half-made stays")
    }
  }

  /// Names of tensors whose bytes differ; that names, order, types, shapes and metadata of all
  /// files are the same is expected.
  private func changedTensors(_ source: String, _ export: String) throws -> [String] {
    if source.hasSuffix(".gguf") {
      let (one, other) = (try GGUFFile(path: source), try GGUFFile(path: export))
      #expect(one.metadata == other.metadata)
      return changedTensors(one, other)
    }
    var changed: [String] = []
    let names = weightFiles(source)
    #expect(!names.isEmpty && weightFiles(export) == names)
    for name in names {
      let one = try SafetensorsFile(path: source + "/" + name)
      let other = try SafetensorsFile(path: export + "/" + name)
      #expect(one.metadata == other.metadata)
      changed += changedTensors(one, other)
    }
    return changed
  }

  private func changedTensors(_ one: any TensorSource, _ other: any TensorSource) -> [String] {
    func summary(_ source: any TensorSource) -> [String] {
      source.tensors.map { "\($0.name) \($0.type) \($0.shape)" }
    }
    #expect(summary(one) == summary(other))
    return zip(one.tensors, other.tensors).filter { tensor, written in
      !one.bytes(of: tensor).elementsEqual(other.bytes(of: written))
    }.map(\.0.name)
  }

  private func weightFiles(_ folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
      .filter { $0.hasSuffix(".safetensors") && $0 != "expected.safetensors" }.sorted()
  }

  private func expectSameSidecars(_ fixture: ForeignFixture, _ export: String) throws {
    guard !fixture.isGGUF else { return }
    let names = try FileManager.default.contentsOfDirectory(atPath: fixture.path)
      .filter { !$0.hasPrefix("expected.") && !$0.hasSuffix(".safetensors") }
    #expect(names.contains("config.json") && names.contains("tokenizer.json"))
    for name in names {
      let same = FileManager.default.contentsEqual(
        atPath: fixture.path + "/" + name, andPath: export + "/" + name)
      #expect(same, "\(name)")
    }
  }

  /// Blocks without the fp16 numbers that training may change: ggml's structs.
  private func expectSameCodes(_ source: String, _ export: String) throws {
    let (one, other) = (try GGUFFile(path: source), try GGUFFile(path: export))
    for (tensor, written) in zip(one.tensors, other.tensors) {
      let scales: Range<Int> =
        switch tensor.type {
        case .q4_0, .q5_0, .q8_0, .iq4_NL: 0..<2
        case .q4_1, .q5_1, .q4_K, .q5_K: 0..<4
        case .q2_K: 80..<84
        case .q3_K: 108..<110
        case .q6_K: 208..<210
        default: 0..<0
        }
      let (a, b) = (one.bytes(of: tensor), other.bytes(of: written))
      try #require(a.count == b.count)
      let wrong = a.indices.first {
        !scales.contains($0 % tensor.type.blockBytes) && a[$0] != b[$0]
      }
      #expect(wrong == nil, "\(tensor.name), byte \(wrong ?? 0)")
    }
  }

  /// Every number of the model, read from the export, is that of the tuned base.
  private func expectWeights(_ export: Export) throws {
    let task = try export.adapter.map { try export.base.task($0) }
    let source = try ModelSource.open(export.path)
    #expect(source.config == export.base.config)
    for tensor in source.tensors {
      let wanted = try export.base.floats(tensor.expected, task)
      let difference = largestDifference(try source.floats(tensor.name), wanted)
      #expect(difference == 0, "\(tensor.name)")
    }
  }
}

extension ForeignFixture {
  /// What the tensors that hold scales end in.
  fileprivate var scaleSuffix: String {
    switch format {
    case "compressed-tensors": ".weight_scale"
    case "gguf": ".weight"
    default: ".scales"
    }
  }
}

/// What cannot be written is said, and nothing half-made stays.
@Suite struct ExportRefusalTests {
  /// Runs `body` with the base of a fixture, or of a copy that was damaged, and an empty folder
  /// beside it.
  private func withBase(
    _ name: String, damaging change: (inout ForeignCopy) throws -> Void = { _ in },
    _ body: (QuantizedBase, String) throws -> Void
  ) throws {
    try Scratch.withFolder { folder in
      var model = ForeignFixture(name: name).path
      if !name.hasSuffix(".gguf") {
        var copy = try ForeignCopy(name, in: folder)
        try change(&copy)
        try copy.write()
        model = copy.path
      }
      try ForeignFixture.quantize(model, to: folder + "/base")
      let base = try QuantizedBase(path: folder + "/base")
      defer { withExtendedLifetime(base) {} }
      try FileManager.default.createDirectory(
        atPath: folder + "/out", withIntermediateDirectories: false)
      try body(base, folder + "/out")
    }
  }

  private func export(
    _ base: QuantizedBase, _ options: ExportOptions, to output: String,
    isCancelled: @escaping () -> Bool = { false }
  ) throws -> ExportReport {
    try ExportJob(
      try TunedBase(base), options, pool: WorkerPool(threads: 1), isCancelled: isCancelled
    ).run(output: output)
  }

  private func content(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  /// Refused with and without consent to losses where `always`, with 65 and these words.
  private func expectRefused(
    _ base: QuantizedBase, _ format: ExportFormat, _ folder: String, _ words: [String],
    always: Bool = false
  ) throws {
    for allowsLoss in always ? [false, true] : [false] {
      let error = #expect(throws: ModelFileError.self) {
        try export(
          base, ExportOptions(format: format, allowsLoss: allowsLoss), to: folder + "/model")
      }
      #expect(error?.exitCode == 65)
      for word in words {
        #expect(error?.description.contains(word) == true, "\(String(describing: error))")
      }
      #expect(try content(folder) == [])
    }
  }

  @Test func adaptersOfOtherBasesAreRefused() throws {
    try withBase("gptq_4bit_g32_asym") { other, _ in
      try withBase("gptq_8bit_g64") { base, folder in
        try other.writeAdapter(to: folder + "/task")
        let error = #expect(throws: ModelFileError.self) {
          try TunedBase(base, adapter: folder + "/task")
        }
        #expect(error?.exitCode == 65)
        #expect(error?.description.contains(other.manifest.baseDigest) == true)
        #expect(error?.description.contains("Use it with the base that it names") == true)
      }
    }
  }

  @Test(arguments: [("gptq_4bit_g32_asym", "model"), ("gguf/q4_0.gguf", "model.gguf")])
  func whatStandsThereStays(name: String, output: String) throws {
    try withBase(name) { base, folder in
      let format = try #require(ExportFormat(rawValue: ForeignFixture(name: name).format))
      let path = folder + "/" + output
      _ = try export(base, ExportOptions(format: format), to: path)
      let before = try content(folder)
      let error = #expect(throws: CheckpointError.exists(path: path)) {
        try export(base, ExportOptions(format: format), to: path)
      }
      #expect(error?.exitCode == 73)
      _ = try export(base, ExportOptions(format: format, overwrite: true), to: path)
      #expect(try content(folder) == before)
    }
  }

  /// --overwrite replaces what an export has made: somebody's folder stays.
  @Test func foldersOfOthersAreNeverReplaced() throws {
    try withBase("gptq_4bit_g32_asym") { base, folder in
      try AtomicFile.write("precious", to: folder + "/README.md")
      #expect(throws: CheckpointError.exists(path: folder)) {
        try export(base, ExportOptions(format: .gptq, overwrite: true), to: folder)
      }
      #expect(try content(folder) == ["README.md"])
    }
  }

  /// 1e6 is no number of fp16: formats that have their scales in it cannot hold it at any loss.
  @Test(arguments: [ExportFormat.gptq, .compressedTensors, .gguf])
  func scalesBeyondHalfPrecisionAreNamed(format: ExportFormat) throws {
    let damage: (inout ForeignCopy) throws -> Void = {
      try $0.store(Float(1e6).bitPattern, 5, "model.layers.0.mlp.up_proj.scales")
    }
    try withBase("mlx_8bit_g64", damaging: damage) { base, folder in
      let name = format == .gguf ? "ffn_up" : "mlp.up_proj"
      try expectRefused(base, format, folder, [name, "too large", "fp16"], always: true)
      #expect(
        try export(base, ExportOptions(format: .mlx), to: folder + "/mlx").largestDifference == 0)
    }
  }

  @Test func eightBitsAreNoAWQ() throws {
    try withBase("gptq_8bit_g64") { base, folder in
      try expectRefused(base, .awq, folder, ["q_proj", "4 bits", "have 8"], always: true)
    }
  }

  /// Its columns have an order that no other format has.
  @Test(arguments: [ExportFormat.awq, .mlx, .gguf, .compressedTensors])
  func actOrderIsGPTQAlone(format: ExportFormat) throws {
    try withBase("gptq_4bit_g32_act") { base, folder in
      try expectRefused(base, format, folder, ["act-order", "only gptq"])
    }
  }

  /// In full precision columns stand where the input has them.
  @Test func fullPrecisionHoldsActOrder() throws {
    try withBase("gptq_4bit_g32_act") { base, folder in
      try base.writeAdapter(to: folder + "/task")
      let job = ExportJob(
        try TunedBase(base, adapter: folder + "/task"), ExportOptions(format: .hf, dtype: .fp32),
        pool: WorkerPool(threads: 1))
      let report = try job.run(output: folder + "/model")
      #expect(report.largestDifference == 0 && !report.handsBack)
      let source = try ModelSource.open(folder + "/model")
      #expect(source.quantized == nil)
      let task = try base.task(folder + "/task")
      for tensor in source.tensors {
        #expect(try source.floats(tensor.name) == base.floats(tensor.expected, task))
      }
    }
  }

  /// Minima of Q4_1 lie between the zero points that GPTQ has.
  @Test func lossesAreMeasuredAndNeedConsent() throws {
    try withBase("gguf/q4_1.gguf") { base, folder in
      let error = #expect(throws: ExportError.self) {
        try export(base, ExportOptions(format: .gptq), to: folder + "/model")
      }
      let job = ExportJob(
        try TunedBase(base), ExportOptions(format: .gptq), pool: WorkerPool(threads: 1))
      let worst = try #require(try job.plan().worst)
      #expect(error?.exitCode == 65)
      let text = error?.description ?? ""
      for word in ["would change", "--lossy", worst.name] { #expect(text.contains(word)) }
      #expect(text.contains(String(format: "%.2g", worst.relativeError)))
      #expect(try content(folder) == [])
      let report = try export(
        base, ExportOptions(format: .gptq, allowsLoss: true), to: folder + "/model")
      #expect(report.largestDifference > 0)
      // Weights move by at most half a step, evenly spread, so by 0.29 steps; a span of 15 steps
      // holds some four deviations of the weights: 8 %.
      #expect(worst.relativeError > 1e-3 && worst.relativeError < 0.2)
    }
  }

  /// Cancelled at every seventh point where it is asked: all of the export is there, or nothing.
  @Test func cancellingLeavesNothing() throws {
    try withBase("gptq_4bit_g32_asym") { base, folder in
      var (point, isWhole) = (0, false)
      while !isWhole {
        let asked = Atomic<Int>(0)
        let last = point
        do {
          _ = try export(
            base, ExportOptions(format: .mlx), to: folder + "/model",
            isCancelled: { asked.add(1, ordering: .relaxed).oldValue == last })
          isWhole = true
        } catch QuantizationError.cancelled {
          let left = try content(folder)
          #expect(left == [])
        }
        point += 7
      }
      #expect(try content(folder) == ["model"])
      // Planning, writing and checking of at least seven matrices and four other tensors.
      #expect(point > 3 * 7)
    }
  }
}
