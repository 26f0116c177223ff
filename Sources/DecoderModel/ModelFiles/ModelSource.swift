package import Checkpoints
internal import Foundation
internal import JSONText
package import QuantizedFormats

/// A model on disk, whatever its format: configuration, tensors by canonical name, and their rows
/// as Floats, or as codes where the file has them quantized.
///
/// Everything is mapped; rows are converted when they are read. That all tensors are there with the
/// right shapes is checked on opening, before any work starts.
package final class ModelSource: Sendable {
  package enum Format: String, Sendable {
    case huggingFace = "huggingface"
    case gguf
  }

  /// The directory or the .gguf file.
  package let path: String
  package let format: Format
  package let config: DecoderConfig
  /// In the order of `DecoderConfig.expectedTensors`.
  package let tensors: [ModelTensor]
  package let files: any TensorSource
  /// How the file keeps quantized matrices; nil where it has none.
  package let quantized: (any QuantizedFormat)?
  private let positions: [[UInt8]: Int]

  /// Opens a Hugging Face directory, a .gguf file, or a directory that holds exactly one .gguf.
  package static func open(_ path: String) throws -> ModelSource {
    if let gguf = try ggufPath(path) { return try ModelSource(gguf: GGUFFile(path: gguf)) }
    return try ModelSource(directory: path)
  }

  private init(directory: String) throws {
    let configPath = directory + "/config.json"
    guard FileManager.default.fileExists(atPath: configPath) else {
      throw ModelFileError.missing(
        path: directory,
        remedy: "no model here: found neither config.json nor a single .gguf file.")
    }
    let json = try ModelFiles.json(configPath)
    let config = try DecoderConfig(huggingFace: json, path: configPath)
    let separate = try ModelFiles.jsonIfPresent(directory + "/quantize_config.json")
    quantized = try RecognisedFormat.of(json, separate: separate, path: directory)
    let files = try SafetensorsDirectory(path: directory)
    let names = config.family.tensors
    // Some files leave out the first part of the prefix: they were saved from the bare model.
    let embedding = names.stored(config.expectedTensors[0], config).name
    let first = names.prefix.prefix { $0 != "." } + "."
    let isBare =
      files.tensor(named: embedding) == nil
      && files.tensor(named: String(embedding.dropFirst(first.count))) != nil
    (path, format, self.config, self.files) = (directory, .huggingFace, config, files)
    (tensors, positions) = try Self.match(config, files, quantized) { expected in
      let (name, order) = names.stored(expected, config)
      let isShort = isBare && name.hasPrefix(first)
      var offset: Float = 0
      if case .norm = expected.role { offset = names.normOffset }
      return (isShort ? String(name.dropFirst(first.count)) : name, order, offset)
    }
  }

  private init(gguf file: GGUFFile) throws {
    let config = try DecoderConfig(gguf: file)
    let names = config.family.ggufTensors
    (path, format, self.config, files) = (file.path, .gguf, config, file)
    quantized = GGMLFormat()
    (tensors, positions) = try Self.match(config, file, quantized) { expected in
      let (name, order) = names.stored(expected, config)
      return (name, order, 0)
    }
  }

  /// Finds every expected tensor, or reports all that are missing or wrong.
  private static func match(
    _ config: DecoderConfig, _ files: any TensorSource, _ quantized: (any QuantizedFormat)?,
    _ stored: (ExpectedTensor) -> (name: String, order: RowOrder, offset: Float)
  ) throws -> ([ModelTensor], [[UInt8]: Int]) {
    var (tensors, faults): ([ModelTensor], [String]) = ([], [])
    var positions: [[UInt8]: Int] = [:]
    for expected in config.expectedTensors {
      let (name, order, offset) = stored(expected)
      let coded = try Self.coded(expected, name, order, files, quantized)
      if let coded, files.tensor(named: name)?.type.isReal != true, let first = coded.codes {
        positions[Array(expected.name.utf8)] = tensors.count
        tensors.append(ModelTensor(expected: expected, stored: first, order: order, coded: coded))
        continue
      }
      guard let tensor = files.tensor(named: name) else {
        faults.append("tensor \"\(name)\" is missing")
        // Of another model all are missing.
        if faults.count >= 20 { break }
        continue
      }
      var shape = expected.shape
      if let total = order.total { shape[0] = total }
      // Experts are stacked along a dimension of their own.
      let isStacked =
        order.total != nil && tensor.shape.count > shape.count && tensor.rows == shape[0]
        && tensor.columns == shape.last
      if tensor.shape != shape && !isStacked {
        faults.append(
          "tensor \"\(name)\" has shape \(tensor.shape), the configuration asks for \(shape)")
      }
      if !tensor.type.isReal {
        faults.append("tensor \"\(name)\" holds \(tensor.type.name), expected real numbers")
      }
      positions[Array(expected.name.utf8)] = tensors.count
      tensors.append(
        ModelTensor(
          expected: expected, stored: tensor, order: order, offset: offset, coded: coded))
    }
    if faults.isEmpty { faults = strangers(in: files, beside: tensors) }
    guard faults.isEmpty else { throw ModelFileError.faults(path: files.path, faults) }
    return (tensors, positions)
  }

  /// Weights of the first block that nothing here computes with, in words: a model that has them is
  /// another function.
  private static func strangers(
    in files: any TensorSource, beside tensors: [ModelTensor]
  ) -> [String] {
    let first = tensors.filter { $0.name.hasPrefix("model.layers.0.") }.flatMap { tensor in
      [tensor.stored.name] + (tensor.coded?.parts.values.map(\.name) ?? [])
    }
    guard let end = first.first?.range(of: ".0.")?.upperBound, let name = first.first else {
      return []
    }
    let block = name[..<end]
    return files.tensors.map(\.name).filter { name in
      name.hasPrefix(block) && !first.contains(name) && !isBuffer(name)
    }.prefix(5).map {
      "tensor \"\($0)\" belongs to no part of this architecture; the model computes something else"
    }
  }

  /// The matrix of an expected tensor where the file has its codes.
  private static func coded(
    _ expected: ExpectedTensor, _ name: String, _ order: RowOrder, _ files: any TensorSource,
    _ quantized: (any QuantizedFormat)?
  ) throws -> StoredMatrix? {
    switch expected.role {
    case .linear, .vocabulary: break
    default: return nil
    }
    guard let quantized, name.hasSuffix(".weight") else { return nil }
    return try quantized.matrix(
      String(name.dropLast(".weight".count)), rows: order.total ?? expected.shape[0],
      columns: expected.shape[1], in: files)
  }

  /// What some files keep beside the weights: masks and tables that follow from the configuration.
  private static func isBuffer(_ name: String) -> Bool {
    [".attn.bias", ".masked_bias", ".attention.bias", ".inv_freq", ".attn_rot_embd.weight"]
      .contains { name.hasSuffix($0) }
  }

  /// The tensor of a canonical name.
  package func tensor(_ name: String) throws -> ModelTensor {
    guard let position = positions[Array(name.utf8)] else {
      throw ModelFileError.faults(path: path, ["the model has no tensor \"\(name)\""])
    }
    return tensors[position]
  }

  private static func ggufPath(_ path: String) throws -> String? {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
      throw ModelFileError.missing(
        path: path, remedy: "not found. Give a Hugging Face directory or a .gguf file.")
    }
    guard isDirectory.boolValue else { return path }
    if FileManager.default.fileExists(atPath: path + "/config.json") { return nil }
    let names = try FileManager.default.contentsOfDirectory(atPath: path)
      .filter { $0.hasSuffix(".gguf") }.sorted()
    guard names.count <= 1 else {
      throw ModelFileError.missing(
        path: path,
        remedy: "holds \(names.count) .gguf files: \(names.joined(separator: ", ")). Name one.")
    }
    return names.first.map { path + "/" + $0 }
  }
}

/// A tensor of a model under its canonical name.
package struct ModelTensor: Sendable, Equatable {
  package var expected: ExpectedTensor
  /// As it stands in the file.
  package var stored: TensorDescriptor
  package var order: RowOrder
  /// What is added to every number: norms of some families leave out a 1.
  package var offset: Float = 0
  /// The codes, where the file has them; of all layers that share the tensor.
  package var coded: StoredMatrix?

  package var name: String { expected.name }
  /// [O, I] or [D].
  package var shape: [Int] { expected.shape }
  package var type: ElementType { stored.type }
  /// Rows and columns; a vector is one row.
  package var rows: Int { shape.count == 2 ? shape[0] : 1 }
  package var columns: Int { shape.last ?? 1 }
  /// Numbers of this tensor, without those of others that share its bytes.
  package var elementCount: Int { shape.reduce(1, *) }
}

extension StoredMatrix {
  /// The tensor of its codes.
  var codes: TensorDescriptor? {
    parts.sorted { $0.key < $1.key }.map(\.value).first { !$0.type.isReal }
  }
}
