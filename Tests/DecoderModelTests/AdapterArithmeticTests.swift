internal import Checkpoints
internal import DecoderModel
internal import ExitCodes
internal import Foundation
internal import JSONText
internal import Kernels
internal import TestSupport
import Testing

/// Means of adapters and differences between them, over tensors made by hand and over fixtures.
@Suite struct AdapterArithmeticTests {
  // MARK: - Means

  /// Weights and numbers are such that sums are exact in Double: any order of additions gives them.
  @Test(arguments: [ElementType.f16, .bf16, .f32])
  func meansAreRoundedOnce(type: ElementType) throws {
    var generator = SplitMix64(seed: 7)
    let all = (0..<3).map { _ in
      (0..<210).map { _ in rounded(.random(in: -4...4, using: &generator), to: type) }
    }
    let weights = [1.5, -0.75, 0.25]
    try withAdapters(all.map { [Tensor("x.1.q.scales", type, [70, 3], $0)] }) { paths, folder in
      let arithmetic = try AdapterArithmetic(paths)
      let outcome = try arithmetic.write(
        .init(operation: "average", weights: weights), to: folder("out"))
      #expect(outcome.numbers == 210 && outcome.tensors == 1)
      let found = try tensors(of: folder("out"))
      #expect(found.map(\.type) == [type] && found.map(\.shape) == [[70, 3]])
      for i in 0..<210 {
        var sum = 0.0
        for (weight, numbers) in zip(weights, all).reversed() { sum += numbers[i] * weight }
        #expect(found[0].numbers[i] == rounded(sum, to: type))
      }
    }
  }

  /// 1 + 2^-8 + 2^-40 lies above the middle between two numbers of bf16; as a Float it is the
  /// middle, and would go down.
  @Test func bf16IsNotRoundedTwice() throws {
    let (a, b) = (1.0, 1 + 0x1p-7)
    try withAdapters([a, b].map { [Tensor("x.1.q.scales", .bf16, [1], [$0])] }) { paths, folder in
      for (sign, expected) in [(1.0, b), (-1, a)] {
        _ = try AdapterArithmetic(paths).write(
          .line(0.5 + sign * 0x1p-33), to: folder("out"), overwrite: true)
        #expect(try tensors(of: folder("out"))[0].numbers == [expected])
      }
    }
  }

  private static let oddNumbers: [Tensor] = [
    Tensor(
      "model.layers.0.q.scales", .f16, [2, 4], [0, -0.0, 65504, -65504, 0x1p-24, 0.1, 1, 0.3]),
    Tensor("model.layers.0.k.scales", .bf16, [4], [-0.0, 0x1p-133, 0x1.FEp127, 0.7]),
    Tensor("model.layers.1.q.scales", .f32, [1, 1, 3], [0x1p-149, 0x1.FFFFFEp127, -1e-3]),
  ]

  @Test(arguments: [[0.5, 0.5], [0.3, 0.7], [1.7, -0.7], [0.333333, 0.333333, 0.333333]])
  func anAverageOfTheSameIsTheSame(weights: [Double]) throws {
    try withAdapters([Self.oddNumbers]) { paths, folder in
      let arithmetic = try AdapterArithmetic(weights.map { _ in paths[0] })
      let outcome = try arithmetic.write(
        .init(operation: "average", weights: weights), to: folder("out"))
      #expect(outcome.faults == ScaleFaults())
      let file = folder("out") + "/" + Adapter.weightsName
      #expect(outcome.digest == (try SHA256.hexDigest(ofFile: file)))
      let (found, expected) = (try tensors(of: folder("out")), try tensors(of: paths[0]))
      #expect(found.map(\.numbers) == expected.map(\.numbers))
      // A weight below 0 makes -0 to 0.
      if weights.allSatisfy({ $0 > 0 }) { #expect(found.map(\.bytes) == expected.map(\.bytes)) }
    }
  }

  /// Byte for byte, with the sign of zeros; and what is read stays as it was.
  @Test func theEndsOfTheLine() throws {
    let other = Self.oddNumbers.map { Tensor($0.name, $0.type, $0.shape, $0.numbers.reversed()) }
    try withAdapters([Self.oddNumbers, other]) { paths, folder in
      let before = try paths.map(contents)
      for (fraction, path) in zip([0.0, 1], paths) {
        let out = folder("out-\(fraction)")
        _ = try AdapterArithmetic(paths).write(.line(fraction), to: out)
        #expect(try tensors(of: out).map(\.bytes) == tensors(of: path).map(\.bytes))
      }
      #expect(try paths.map(contents) == before)
    }
  }

  /// From the base beyond an adapter, over scales of rows, scales of groups, and gains.
  @Test(
    arguments: [
      ("llama_4bit_row", .scales), ("llama_2bit_g64", .scales), ("llama_2bit_g64", .gains),
      ("mixtral_4bit_g32", .gains),
    ] as [(String, AdapterScales.Form)])
  func aBaseIsAnEnd(name: String, form: AdapterScales.Form) throws {
    let base = try QuantizedBase(path: Fixtures.path(name))
    let start = AdapterFile(base, form: form)
    let moved = start.tensors.map { tensor in
      Tensor(
        tensor.name, tensor.type, tensor.shape,
        start.numbers(of: tensor).enumerated().map { rounded($1 * 1.25, to: tensor.type) })
    }
    try withAdapters([moved], base: base) { paths, folder in
      let arithmetic = try AdapterArithmetic([base.path, paths[0]], over: base.path)
      _ = try arithmetic.write(.line(2), to: folder("out"))
      for (found, tensor) in zip(try tensors(of: folder("out")), moved) {
        for (i, b) in tensor.numbers.enumerated() {
          let a = start.numbers(of: try #require(start.tensor(named: tensor.name)))[i]
          #expect(found.numbers[i] == rounded(2 * b - a, to: tensor.type))
        }
      }
      let model = try LoadedModel.open(base.path)
      let loaded = try Adapter.load(
        folder("out"), base: model.requiredBase(), weights: model.weights)
      #expect(loaded.form == form)

      let difference = arithmetic.difference(top: 3)
      #expect(difference.layers.map(\.key) == (0..<base.config.layerCount).map { $0 })
      // fp16 rounds 1.25 s by half a unit of 2^-11 at most, as all scales are normal numbers.
      #expect(abs(difference.all.rms - 0.25) < 1.25 * 0x1p-11)
      #expect(difference.all.changed == difference.all.count && difference.rows.count == 3)
    }
  }

  @Test func whatChangesSignIsCounted() throws {
    let a = [Tensor("x.1.q.gains", .f32, [4], [1, 2, 1, 1])]
    let b = [Tensor("x.1.q.gains", .f32, [4], [2, 4, 0.5, 0.75])]
    try withAdapters([a, b]) { paths, _ in
      let outcome = try AdapterArithmetic(paths).write(.line(3), to: nil)
      #expect(outcome.faults == ScaleFaults(flipped: 1) && outcome.digest == nil)
      let zeroed = try AdapterArithmetic(paths).write(.line(2), to: nil)
      #expect(zeroed.faults == ScaleFaults(zeroed: 1))
    }
  }

  // MARK: - The record

  @Test func whatNoLongerHoldsIsDropped() throws {
    let config: [(String, JSONValue?)] = [
      ("scale_param", "relative"), ("bits", 4), ("trained_scales", 99), ("made_by", "hand"),
      ("base_model_name_or_path", "/here"),
    ]
    let other: [(String, JSONValue?)] = [
      ("scale_param", "absolute"), ("bits", 4), ("base_model_name_or_path", "/there"),
      ("config_sha256", "c0"),
    ]
    let same = [Tensor("x.1.q.gains", .f32, [2], [1, 2])]
    try withAdapters([same, same], configs: [config, other]) { paths, folder in
      let recipe = AdapterArithmetic.Recipe(operation: "average", weights: [0.25, 0.75])
      _ = try AdapterArithmetic(paths).write(recipe, to: folder("out"))
      let made = try ModelFiles.json(folder("out") + "/" + Adapter.configName)
      #expect(made["scale_param"] == nil)
      #expect(made["bits"] == 4 && made["trained_scales"] == 2 && made["peft_type"] == "PEQA")
      #expect(made["base_model_name_or_path"] == "/here" && made["config_sha256"] == "c0")
      #expect(made["made_by"]?["operation"] == "average")
      #expect(made["made_by"]?["weights"] == [0.25, 0.75])
      for (i, path) in paths.enumerated() {
        let operand = try #require(made["made_by"]?["of"]?[i])
        #expect(operand["name"]?.string == path && operand["kind"] == "adapter")
        let digest = try SHA256.hexDigest(ofFile: path + "/" + Adapter.weightsName)
        #expect(operand["sha256"]?.string == digest)
      }
    }
  }

  // MARK: - Differences

  /// Numbers are such that all relative differences are exact.
  @Test func differencesByHand() throws {
    let a = [
      Tensor("model.layers.0.mlp.up_proj.scales", .f16, [2, 2], [1, 2, 4, 0]),
      Tensor("model.layers.1.mlp.experts.0.up_proj.scales", .f16, [2, 1], [1, 0]),
      Tensor("model.layers.1.mlp.experts.1.up_proj.scales", .f16, [1, 1], [-2]),
    ]
    let b = [
      Tensor(a[0].name, .f16, [2, 2], [1, 3, 1, 5]), Tensor(a[1].name, .f16, [2, 1], [1, 0]),
      Tensor(a[2].name, .f16, [1, 1], [-1]),
    ]
    try withAdapters([a, b]) { paths, _ in
      let difference = try AdapterArithmetic(paths).difference(top: 2)
      // 0.5, -0.75 and -0.5 among 7 - 1 numbers that have a difference.
      let all = difference.all
      #expect(all.count == 7 && all.changed == 4 && all.fromZero == 1 && all.largest == 0.75)
      #expect(abs(all.rms - (1.0625 / 6).squareRoot()) < 1e-15)
      #expect(all.changedShare == 4.0 / 7)
      #expect(difference.layers.map(\.key) == [0, 1])
      #expect(difference.layers.map(\.movement.count) == [4, 3])
      #expect(difference.kinds.map(\.key) == ["mlp.up_proj", "mlp.experts.*.up_proj"])
      #expect(abs(difference.kinds[1].movement.rms - (0.25 / 3).squareRoot()) < 1e-15)
      #expect(difference.tensors.map(\.movement.changed) == [3, 0, 1])
      // RMS of rows: 0.75 (of one number that has one), 0.5, 0.5 / sqrt(2).
      #expect(difference.rows.map(\.tensor) == [a[0].name, a[2].name])
      #expect(difference.rows.map(\.row) == [1, 0])
      #expect(difference.rows.map(\.movement.rms) == [0.75, 0.5])
    }
  }

  @Test func theSameIsIdentical() throws {
    try withAdapters([Self.oddNumbers, Self.oddNumbers]) { paths, _ in
      let difference = try AdapterArithmetic(paths).difference(top: 5)
      #expect(difference.isIdentical && difference.rows.isEmpty)
      #expect(difference.all.rms == 0 && difference.all.count == 15)
    }
  }

  // MARK: - Refusals

  private static let good = [
    Tensor("x.1.q.scales", .f16, [2, 1], [1, 2]), Tensor("x.1.k.scales", .f16, [1, 1], [3]),
  ]

  /// The second adapter, and words of the message.
  private static let misfits: [([Tensor], [(String, JSONValue?)], String)] = [
    (good, [("base_sha256", "b1")], "over base b1"),
    (good, [("config_sha256", "c1")], "another config.json"),
    (good, [("peft_type", "LORA")], "expected \"PEQA\""),
    (good, [("base_sha256", nil)], "base_sha256 is missing"),
    ([good[0]], [], "\"x.1.k.scales\" is missing"),
    (good + [Tensor("x.2.q.scales", .f16, [1], [1])], [], "\"x.2.q.scales\" is one that"),
    ([good[0], Tensor("x.1.k.scales", .bf16, [1, 1], [3])], [], "is BF16 [1, 1]"),
    ([good[0], Tensor("x.1.k.scales", .f16, [1], [3])], [], "is F16 [1]"),
    ([good[0], Tensor("x.1.k.scales", .f16, [1, 1], [.infinity])], [], "NaN or infinity"),
    ([good[0], Tensor("x.1.k.scales", .f16, [1, 1], [.nan])], [], "NaN or infinity"),
    ([Tensor("x.1.q.gains", .f32, [2], [1, 2])], [], "holds gains"),
    (good + [Tensor("x.1.q.gains", .f32, [2], [1, 2])], [], "one form"),
    (good + [Tensor("x.1.q.weight", .f32, [2], [1, 2])], [], "neither scales nor gains"),
    ([], [], "no tensors"),
  ]

  @Test(arguments: misfits.indices)
  func misfitsAreRefused(index: Int) throws {
    let (tensors, changes, words) = Self.misfits[index]
    let first: [(String, JSONValue?)] = [("config_sha256", "c0")]
    try withAdapters([Self.good, tensors], configs: [first, changes]) { paths, _ in
      let error = try #require(throws: ModelFileError.self) { try AdapterArithmetic(paths) }
      #expect(error.exitCode == 65 && "\(error)".contains(words), "\(error)")
      #expect("\(error)".contains(paths[1]))
    }
  }

  @Test func integersAreNoScales() throws {
    try withAdapters([Self.good]) { paths, _ in
      let writer = try SafetensorsWriter(
        path: paths[0] + "/" + Adapter.weightsName,
        tensors: [TensorDeclaration(name: "x.scales", type: .i32, shape: [1])], overwrite: true)
      try writer.append([Int32(3)], to: "x.scales")
      try writer.finish()
      let error = try #require(throws: ModelFileError.self) { try AdapterFile(path: paths[0]) }
      #expect("\(error)".contains("is I32, expected F16, BF16 or F32"))
    }
  }

  @Test func aBaseThatDoesNotFit() throws {
    let (row, grouped) = (Fixtures.path("llama_4bit_row"), Fixtures.path("llama_2bit_g64"))
    let base = try QuantizedBase(path: row)
    try withAdapters([Self.good], base: base) { paths, folder in
      for (given, over) in [([paths[0], grouped], nil), ([paths[0], paths[0]], grouped)] {
        let error = try #require(throws: ModelFileError.self) {
          try AdapterArithmetic(given, over: over)
        }
        #expect("\(error)".contains("is base "))
      }
      let missing = try #require(throws: ModelFileError.self) {
        try AdapterArithmetic([paths[0], row])
      }
      #expect("\(missing)".contains("\"x.1.q.scales\" is missing"))
      for given in [[row, row], [paths[0], folder("none")]] {
        let error = try #require(throws: ModelFileError.self) { try AdapterArithmetic(given) }
        #expect(error.exitCode == 66)
      }
    }
  }

  /// Every type leaves nothing behind where a number leaves its range.
  @Test(arguments: [(ElementType.f16, 60000.0), (.bf16, 0x1p127), (.f32, 0x1p127)])
  func overflowLeavesNothing(type: ElementType, large: Double) throws {
    let all = [[1, large], [1, -large]].map { [Tensor("x.1.q.scales", type, [2], $0)] }
    try withAdapters(all) { paths, folder in
      let error = try #require(throws: ModelFileError.self) {
        try AdapterArithmetic(paths).write(.line(-1), to: folder("out"))
      }
      #expect(error.exitCode == 65)
      #expect("\(error)".contains("1 of 2 numbers leave the range of \(type.name)"))
      #expect(try folder.contents == ["0", "1"])
    }
  }

  @Test func whatStandsThereStays() throws {
    try withAdapters([Self.good, Self.good]) { paths, folder in
      let (out, arithmetic) = (folder("out"), try AdapterArithmetic(paths))
      _ = try arithmetic.write(.line(0.5), to: out)
      let exists = CheckpointError.exists(path: out)
      #expect(throws: exists) { try arithmetic.write(.line(0.5), to: out) }
      _ = try arithmetic.write(.line(0.5), to: out, overwrite: true)
      // The folder of a run has more in it than an adapter.
      try folder.put("out/config.yaml", "model: x")
      #expect(throws: exists) { try arithmetic.write(.line(0.5), to: out, overwrite: true) }
      #expect(exists.exitCode == 73)
      #expect(try folder.contents == ["0", "1", "out"])
    }
  }
}

// MARK: - Adapters by hand

/// A tensor with numbers that its type holds exactly.
private struct Tensor: Sendable {
  let name: String
  let type: ElementType
  let shape: [Int]
  let numbers: [Double]

  init(_ name: String, _ type: ElementType, _ shape: [Int], _ numbers: [Double]) {
    (self.name, self.type, self.shape, self.numbers) = (name, type, shape, numbers)
  }

  var bytes: [UInt8] {
    numbers.flatMap { number -> [UInt8] in
      switch type {
      case .f16: withUnsafeBytes(of: Float16(number).bitPattern) { Array($0) }
      // The upper half: the lower is 0.
      case .bf16: withUnsafeBytes(of: UInt16(Float(number).bitPattern >> 16)) { Array($0) }
      default: withUnsafeBytes(of: Float(number).bitPattern) { Array($0) }
      }
    }
  }
}

/// The nearest number that a type holds, ties to even, by scaling with powers of 2; not for those
/// beyond its range.
private func rounded(_ number: Double, to type: ElementType) -> Double {
  guard number != 0 else { return number }
  let (bits, least) = type == .f16 ? (11, -14) : type == .bf16 ? (8, -126) : (24, -126)
  let unit = Double(
    sign: .plus, exponent: max(Int(number.exponent), least) - bits + 1, significand: 1)
  return (number / unit).rounded(.toNearestOrEven) * unit
}

/// Makes adapters in the folders 0, 1, ... of a folder of its own.
private func withAdapters(
  _ adapters: [[Tensor]], configs: [[(String, JSONValue?)]] = [], base: QuantizedBase? = nil,
  _ body: ([String], TemporaryFolder) throws -> Void
) throws {
  let folder = try TemporaryFolder()
  let paths = adapters.indices.map { folder("\($0)") }
  for (i, tensors) in adapters.enumerated() {
    let config: JSONValue = [
      "peft_type": "PEQA", "base_sha256": .string(base?.manifest.baseDigest ?? "b0"),
    ]
    try folder.put("\(i)/" + Adapter.configName, config.text())
    let changes = configs.indices.contains(i) ? configs[i] : []
    try Fixtures.edit(paths[i] + "/" + Adapter.configName, changes)
    let writer = try SafetensorsWriter(
      path: paths[i] + "/" + Adapter.weightsName,
      tensors: tensors.map { TensorDeclaration(name: $0.name, type: $0.type, shape: $0.shape) })
    for tensor in tensors { try writer.append(tensor.bytes, to: tensor.name) }
    try writer.finish()
  }
  try body(paths, folder)
}

/// What an adapter's file holds, by another way than `AdapterFile`.
private func tensors(of path: String) throws -> [Tensor] {
  let file = try SafetensorsFile(path: path + "/" + Adapter.weightsName)
  return file.tensors.map { tensor in
    let bytes = file.bytes(of: tensor)
    let numbers = (0..<tensor.elementCount).map { i -> Double in
      guard tensor.type != .f32 else {
        return Double(bytes.loadUnaligned(fromByteOffset: 4 * i, as: Float.self))
      }
      let half = bytes.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)
      return tensor.type == .f16
        ? Double(Float16(bitPattern: half)) : Double(Float(bitPattern: UInt32(half) << 16))
    }
    return Tensor(tensor.name, tensor.type, tensor.shape, numbers)
  }
}

/// Bytes of both files.
private func contents(of path: String) throws -> [[UInt8]] {
  try [Adapter.configName, Adapter.weightsName].map { try OpenFile.contents(of: path + "/" + $0) }
}
