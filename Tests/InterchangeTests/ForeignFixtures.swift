internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import Interchange
internal import JSONText
internal import Kernels
internal import Quantization
internal import QuantizedFormats
import Testing

/// A tiny model that a foreign program has quantized, with that program's own numbers of it:
/// Fixtures/README.md.
struct ForeignFixture: Sendable, CustomTestStringConvertible {
  /// `gptq_4bit_g32`, or `gguf/q4_0.gguf`.
  let name: String

  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Fixtures").path

  /// Every folder and every GGUF file that has golden numbers: whoever adds one adds a test.
  static let all: [ForeignFixture] = {
    let files = FileManager.default
    let folders = ((try? files.contentsOfDirectory(atPath: folder)) ?? [])
      .filter { files.fileExists(atPath: "\(folder)/\($0)/expected.json") }
    let gguf = ((try? files.contentsOfDirectory(atPath: folder + "/gguf")) ?? [])
      .filter { $0.hasSuffix(".gguf") }.map { "gguf/" + $0 }
    return (folders.sorted() + gguf.sorted()).map { ForeignFixture(name: $0) }
  }()

  /// Without a linear layer in full precision: what can become a base.
  static let importable = all.filter { $0.name != "mlx_4bit_g64_partly" }

  var testDescription: String { name }
  var isGGUF: Bool { name.hasSuffix(".gguf") }
  /// What users open.
  var path: String { Self.folder + "/" + name }
  private var stem: String { isGGUF ? String(path.dropLast(4)) : path + "/" }

  /// The name of the format, as a manifest has it.
  var format: String {
    switch name.prefix(while: { $0 != "_" && $0 != "/" }) {
    case "ct": "compressed-tensors"
    case let short: String(short)
    }
  }

  var json: JSONValue { get throws { try ModelFiles.json(stem + "expected.json") } }

  /// By the name of its weight in the file.
  struct Matrix {
    let name: String
    let shape: [Int]
    let digest: String
  }

  var matrices: [Matrix] {
    get throws {
      try #require(json["matrices"]?.members).map { member in
        Matrix(
          name: member.key,
          shape: try #require(member.value["shape"]?.array).compactMap(\.int),
          digest: try #require(member.value["sha256"]?.string))
      }
    }
  }

  var ids: [Int32] {
    get throws { try #require(json["ids"]?.array).compactMap(\.int).map { Int32($0) } }
  }

  /// `logits`, `NAME` or `NAME.first`; nil where the file has it not.
  func floats(_ name: String) throws -> [Float]? {
    let file = try SafetensorsFile(path: stem + "expected.safetensors")
    return try file.tensor(named: name).map { try file.floats(of: $0) }
  }

  /// Makes a base of it that keeps its codes.
  @discardableResult
  func quantize(to path: String) throws -> QuantizeReport {
    try Self.quantize(self.path, to: path)
  }

  @discardableResult
  static func quantize(_ model: String, to path: String) throws -> QuantizeReport {
    try QuantizeModel(
      ModelSource.open(model), QuantizeOptions(reusesCodes: true), pool: WorkerPool(threads: 1)
    ).run(output: path)
  }
}

/// Logits [tokens, vocabulary] in fp32, token by token.
func logits(_ path: String, _ ids: [Int32], adapter: String? = nil) throws -> [Float] {
  let model = try LoadedModel.open(path)
  let decoder = Decoder(
    config: model.config, weights: model.weights,
    compute: Compute(pool: WorkerPool(threads: 1), precision: .fp32))
  if let adapter {
    decoder.use(
      try Adapter.load(adapter, base: model.requiredBase(), weights: model.weights))
  }
  let cache = decoder.cache(capacity: ids.count)
  var (all, last): ([Float], [Float]) = ([], [])
  for id in ids {
    try decoder.extend([id], cache, into: &last)
    all += last
  }
  return all
}

func largestDifference(_ one: [Float], _ other: [Float]) -> Float {
  guard one.count == other.count else { return .infinity }
  // A NaN anywhere is no small difference.
  return zip(one, other).reduce(0) { largest, pair in
    let difference = abs(pair.0 - pair.1)
    return difference <= largest ? largest : difference.isNaN ? .infinity : difference
  }
}

extension QuantizedBase {
  /// The quantized matrix of an expected tensor; nil where it is none.
  func matrix(_ tensor: ExpectedTensor) -> QuantizedMatrix? {
    switch tensor.role {
    case .linear(let role, let layer): linear(role, layer: layer)
    case .vocabulary: quantizedVocabulary(tensor.name)
    default: nil
    }
  }
}

extension QuantizedMatrix {
  /// Weights [O, I] with the columns of the input.
  ///
  /// A product of 0 has the sign of its scale, which a sum with a minimum of 0 would lose; the
  /// programs have no such sum.
  func weights(_ rows: CodedRows? = nil) -> [Float] {
    let rows = rows ?? self.rows
    var weights = rows.dequantized()
    var codes = [UInt8](repeating: 0, count: layout.columns)
    var result = weights
    for row in 0..<layout.rows {
      codes.withUnsafeMutableBufferPointer { rows.unpack(row: row, into: $0) }
      for column in 0..<layout.columns {
        let place = row * layout.columns + column
        if weights[place] == 0, layout.offset != .minima {
          let grid = rows.grid(row: row, group: column / layout.groupSize)
          weights[place] = Float(grid.scale * (Double(codes[column]) - grid.zero))
        }
        result[row * layout.columns + (order.map { Int($0[column]) } ?? column)] = weights[place]
      }
    }
    return result
  }
}

extension ModelTensor {
  /// Canonical rows where the file has them.
  func storedRows(_ weights: [Float]) -> [Float] {
    var result = weights
    for row in 0..<rows {
      let stored = order.storedRow(row) * columns
      result.replaceSubrange(
        stored..<stored + columns, with: weights[row * columns..<(row + 1) * columns])
    }
    return result
  }
}

extension QuantizedBase {
  /// The numbers of an expected tensor, with the scales of a task.
  func floats(_ tensor: ExpectedTensor, _ task: AdapterScales? = nil) throws -> [Float] {
    if let matrix = matrix(tensor) {
      var rows = matrix.rows
      if case .linear(let role, let layer) = tensor.role {
        task?.apply(to: &rows, layer: layer, role: role)
      }
      return matrix.weights(rows)
    }
    if case .bias(let role, let layer) = tensor.role {
      return Array(try #require(linear(role, layer: layer).bias))
    }
    return try file.floats(of: file.requiredTensor(named: tensor.name))
  }

  /// Writes an adapter whose numbers are those of the base times factors around 1, of which some
  /// are 1; `largest` is how far they go.
  func writeAdapter(
    to path: String, _ form: AdapterScales.Form = .scales, largest: Float = 0.02
  ) throws {
    let task = AdapterScales(form: form, of: try DecoderWeights(self))
    var tensors: [(tensor: TensorDeclaration, bytes: [UInt8])] = []
    for entry in task.entries {
      let bytes = task.bytes(of: entry)
      let numbers = try #require(bytes.baseAddress)
      for i in 0..<entry.range.count {
        let factor = 1 + largest * Float(i % 5 - 2) / 2
        entry.type.store(entry.type.load(numbers, i) * factor, numbers, i)
      }
      let declaration = TensorDeclaration(
        name: entry.tensorName(form), type: entry.type.elementType, shape: task.shape(of: entry))
      tensors.append((declaration, Array(bytes)))
    }
    withExtendedLifetime(task) {}
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let config: JSONValue = [
      "peft_type": "PEQA", "base_sha256": .string(manifest.baseDigest),
    ]
    try AtomicFile.write(config.text(), to: path + "/" + Adapter.configName)
    let writer = try SafetensorsWriter(
      path: path + "/" + Adapter.weightsName, tensors: tensors.map(\.tensor))
    for (tensor, bytes) in tensors { try writer.append(bytes, to: tensor.name) }
    try writer.finish()
  }

  /// The scales of an adapter over this base.
  func task(_ path: String) throws -> AdapterScales {
    try Adapter.load(path, base: self, weights: DecoderWeights(self))
  }
}

/// A directory of the fixtures that a test may damage.
struct ForeignCopy {
  let path: String
  /// In the order of the file.
  private(set) var tensors: [(tensor: TensorDeclaration, bytes: [UInt8])]
  /// Tensors are written anew.
  var isChanged = false

  var weights: String { path + "/model.safetensors" }

  init(_ name: String, in folder: String) throws {
    path = folder + "/model"
    try FileManager.default.copyItem(
      atPath: ForeignFixture(name: name).path, toPath: folder + "/model")
    let file = try SafetensorsFile(path: folder + "/model/model.safetensors", inMemory: true)
    tensors = file.tensors.map { tensor in
      let declaration = TensorDeclaration(
        name: tensor.name, type: tensor.type, shape: tensor.shape)
      return (declaration, Array(file.bytes(of: tensor)))
    }
  }

  private func place(of name: String) throws -> Int {
    try #require(tensors.firstIndex { $0.tensor.name == name }, "\(name) is there")
  }

  mutating func remove(_ name: String) throws {
    tensors.remove(at: try place(of: name))
    isChanged = true
  }

  mutating func add(_ name: String, _ type: ElementType, _ shape: [Int]) {
    let tensor = TensorDeclaration(name: name, type: type, shape: shape)
    tensors.append((tensor, [UInt8](repeating: 0, count: tensor.byteCount)))
    isChanged = true
  }

  mutating func change(
    _ name: String, _ body: (inout TensorDeclaration, inout [UInt8]) -> Void
  ) throws {
    let index = try place(of: name)
    var (tensor, bytes) = tensors[index]
    body(&tensor, &bytes)
    tensors[index] = (tensor, bytes)
    isChanged = true
  }

  /// As many bytes as the new shape takes.
  mutating func reshape(_ name: String, _ shape: [Int]) throws {
    try change(name) { tensor, bytes in
      tensor.shape = shape
      let count = tensor.byteCount
      bytes = Array((bytes + [UInt8](repeating: 0, count: count)).prefix(count))
    }
  }

  /// Element `place` of a tensor.
  mutating func store<Number: FixedWidthInteger>(
    _ number: Number, _ place: Int, _ name: String
  ) throws {
    let width = MemoryLayout<Number>.size
    try change(name) { _, bytes in
      withUnsafeBytes(of: number.littleEndian) {
        bytes.replaceSubrange(place * width..<(place + 1) * width, with: $0)
      }
    }
  }

  /// Everywhere in a file of text.
  func replace(_ old: String, _ new: String, in file: String = "config.json") throws {
    let text = String(decoding: try OpenFile.contents(of: path + "/" + file), as: UTF8.self)
    try #require(text.contains(old), "\(file) says \(old)")
    try AtomicFile.write(text.replacingOccurrences(of: old, with: new), to: path + "/" + file)
  }

  func write() throws {
    guard isChanged else { return }
    let writer = try SafetensorsWriter(
      path: weights, tensors: tensors.map(\.tensor), overwrite: true)
    for (tensor, bytes) in tensors { try writer.append(bytes, to: tensor.name) }
    try writer.finish()
  }
}
