internal import ArgumentParser
internal import Checkpoints
internal import Datasets
internal import DecoderModel
internal import Foundation
internal import JSONText
internal import Quantization
internal import Reporting

/// `peqa inspect`: what a path holds, be it a model, a base, an adapter, weights or data.
struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Say what a model, base, adapter or data file holds.")

  @Argument(help: "Model directory, .gguf, base, adapter, .safetensors, or data file.")
  var path: String?

  @Flag(help: "List the families of models that peqa runs, and what was verified of each.")
  var families = false

  @OptionGroup var output: OutputOptions
  @OptionGroup var verbosity: VerbosityOptions

  func validate() throws {
    guard (path == nil) == families else {
      throw ValidationError("Give a path, or --families.")
    }
  }

  func run() throws {
    let console = Console(verbosity: verbosity.level)
    guard let path else { return console.result(familyTable.text(output.json ? .json : .md)) }
    let inspection = try Inspection.of(path)
    if output.json {
      console.result(inspection.json.text(indent: 2))
    } else {
      for line in inspection.lines { console.result(line) }
    }
  }
}

extension Inspect {
  private var familyTable: MeasurementTable {
    var table = MeasurementTable([
      ("model_type", "model_type"), ("gguf", "in GGUF"), ("verified", "verified"),
    ])
    for family in Family.all {
      table.add([
        .text(family.modelType), .text(family.ggufArchitecture ?? "no"), .text(family.verified),
      ])
    }
    return table
  }
}

/// What was found, in both forms of output.
struct Inspection {
  /// Facts in their order; objects are shown indented.
  private(set) var facts: [JSONValue.Member] = []
  /// Shown after the facts, and in JSON under `tensors`.
  private var tensors: [TensorGroup] = []

  var json: JSONValue {
    guard !tensors.isEmpty else { return .object(facts) }
    return .object(facts + [.init(key: "tensors", value: .array(tensors.map(\.json)))])
  }

  var lines: [String] {
    var table = TextTable(("", .left), ("", .left))
    var details: [String] = []
    for fact in facts {
      switch fact.value {
      case .string(let text): table.add(fact.key, text)
      case .object, .array: details += ["", "\(fact.key):", fact.value.text(indent: 2)]
      default: table.add(fact.key, fact.value.text())
      }
    }
    var lines = Array(table.lines.dropFirst()) + details
    if !tensors.isEmpty {
      var table = TextTable(
        ("tensors", .left), ("type", .left), ("shape", .left), ("number", .right), ("size", .right))
      for group in tensors {
        table.add(
          group.name, group.type, "\(group.shape)", "\(group.count)", megabytes(group.bytes))
      }
      lines += [""] + table.lines
    }
    return lines
  }

  private mutating func add(_ key: String, _ value: JSONValue) {
    facts.append(.init(key: key, value: value))
  }
}

// MARK: - What kinds there are

extension Inspection {
  static func of(_ path: String) throws -> Inspection {
    let name = (path as NSString).lastPathComponent
    if QuantizedBase.isBase(path) { return try base(path) }
    if FileManager.default.fileExists(atPath: path + "/adapter_config.json") {
      return try adapter(path)
    }
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw CheckpointError.missing(
        path: path, remedy: "Give a model, a base, an adapter or a data file.")
    }
    if name.hasSuffix(".safetensors") { return try weights(path) }
    if isDirectory.boolValue || name.hasSuffix(".gguf") { return try model(path) }
    return try dataset(path)
  }

  private static func model(_ path: String) throws -> Inspection {
    let source = try ModelSource.open(path)
    var result = Inspection()
    result.add("path", .string(path))
    result.add("kind", "model")
    result.add("format", .string(source.format.rawValue))
    result.add("parameters", .integer(source.tensors.reduce(0) { $0 + $1.elementCount }))
    result.add("bytes", .integer(source.byteCount))
    if let name = source.quantization { result.add("quantization", .string(name)) }
    result.add("codes_can_be_kept", .bool(source.obstaclesToReusingCodes().isEmpty))
    result.add("config", source.config.huggingFaceJSON)
    result.tensors = TensorGroup.groups(source.files.tensors)
    return result
  }

  private static func base(_ path: String) throws -> Inspection {
    let base = try QuantizedBase(path: path)
    var result = Inspection()
    result.add("path", .string(path))
    result.add("kind", "base")
    for member in base.manifest.json.members ?? []
    where member.key != "quality" && member.key != "grids" {
      result.facts.append(member)
    }
    let layers = base.layouts
    let forms = Dictionary(grouping: layers, by: \.form).map { ($0.key, $0.value.count) }
    if forms.count > 1 {
      result.add(
        "layers",
        .object(
          forms.sorted { ($1.1, $0.0) < ($0.1, $1.0) }.map {
            JSONValue.Member(key: $0.0, value: .integer($0.1))
          }))
    }
    result.add("weights", .integer(layers.reduce(0) { $0 + $1.rows * $1.columns }))
    result.add("scales", .integer(base.trained(ScaleTraining(.group)).stored))
    result.add("rows", .integer(base.trained(ScaleTraining(.row)).stored))
    result.add("quality", base.manifest.quality)
    result.add("config", base.config.huggingFaceJSON)
    result.tensors = TensorGroup.groups(base.file.tensors)
    return result
  }

  private static func adapter(_ path: String) throws -> Inspection {
    let file = try SafetensorsFile(path: path + "/adapter_model.safetensors")
    var result = Inspection()
    result.add("path", .string(path))
    result.add("kind", "adapter")
    let zeros = file.tensors.filter { $0.name.hasSuffix(AdapterScales.zerosSuffix) }
    func count(_ tensors: [TensorDescriptor]) -> Int { tensors.reduce(0) { $0 + $1.elementCount } }
    result.add("scales", .integer(count(file.tensors) - count(zeros)))
    if !zeros.isEmpty { result.add("zero_points", .integer(count(zeros))) }
    result.add("adapter_config", try ModelFiles.json(path + "/adapter_config.json"))
    result.tensors = TensorGroup.groups(file.tensors)
    return result
  }

  private static func weights(_ path: String) throws -> Inspection {
    let file = try SafetensorsFile(path: path)
    var result = Inspection()
    result.add("path", .string(path))
    result.add("kind", "safetensors")
    result.add("elements", .integer(file.tensors.reduce(0) { $0 + $1.elementCount }))
    result.add("metadata", file.metadata)
    result.tensors = TensorGroup.groups(file.tensors)
    return result
  }

  private static func dataset(_ path: String) throws -> Inspection {
    let preview = try DatasetPreview(path: path)
    var result = Inspection()
    result.add("path", .string(path))
    result.add("kind", "dataset")
    result.add("type", .string(preview.type.rawValue))
    result.add("bytes", .integer(preview.bytes))
    result.add(preview.first.isEmpty ? "lines" : "records", .integer(preview.records))
    if preview.first.isEmpty {
      result.add("beginning", .string(preview.beginning))
    } else {
      result.add("first", .array(preview.first))
    }
    return result
  }
}

/// Tensors whose names differ in the number of their layer only.
private struct TensorGroup {
  /// The layer's number is `*`.
  var name: String
  var type: String
  var shape: [Int]
  var count = 0
  var bytes = 0

  /// In the order of first appearance.
  static func groups(_ tensors: [TensorDescriptor]) -> [TensorGroup] {
    var groups: [TensorGroup] = []
    var positions: [[UInt8]: Int] = [:]
    for tensor in tensors {
      let parts = tensor.name.split(separator: ".", omittingEmptySubsequences: false)
      let name = parts.map { Int($0) == nil ? String($0) : "*" }.joined(separator: ".")
      let key = Array("\(name) \(tensor.type.name) \(tensor.shape)".utf8)
      let position = positions[key] ?? groups.count
      if position == groups.count {
        positions[key] = position
        groups.append(TensorGroup(name: name, type: tensor.type.name, shape: tensor.shape))
      }
      groups[position].count += 1
      groups[position].bytes += tensor.byteRange.count
    }
    return groups
  }

  var json: JSONValue {
    [
      "name": .string(name), "type": .string(type),
      "shape": .array(shape.map { .integer($0) }), "number": .integer(count),
      "bytes": .integer(bytes),
    ]
  }
}
