internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import JSONText
internal import QuantizedFormats

/// What an imported file was, so that an export can make it again: `source.json` of a base.
struct SourceRecord: Equatable {
  static let fileName = "source.json"
  /// Files of the source that nobody reads here, as they were.
  static let folder = "source"

  /// Name of a `QuantizedFormat`.
  var format: String
  /// One safetensors file after the other; of GGUF, one without a name.
  var files: [File]

  struct File: Equatable {
    var name: String
    /// `__metadata__` of a safetensors file.
    var metadata: [(key: String, value: String)]
    var tensors: [TensorDeclaration]

    static func == (one: File, other: File) -> Bool {
      one.name == other.name && one.tensors == other.tensors
        && one.metadata.map(\.key) == other.metadata.map(\.key)
        && one.metadata.map(\.value) == other.metadata.map(\.value)
    }
  }

  /// A tensor of the file that a base keeps as it is.
  static func keptName(_ name: String) -> String { "source/" + name }

  init(_ source: ModelSource) throws {
    format = source.quantized?.name ?? "hf"
    files = []
    for tensor in source.files.tensors {
      let path = source.files.file(of: tensor).path
      let name =
        source.format == .gguf ? "" : URL(fileURLWithPath: path).lastPathComponent
      if files.last?.name != name {
        files.append(
          File(
            name: name,
            metadata: source.format == .gguf
              ? []
              : try SafetensorsFile(path: path).metadata.members?.compactMap { member in
                member.value.string.map { (member.key, $0) }
              } ?? [],
            tensors: []))
      }
      files[files.count - 1].tensors.append(
        TensorDeclaration(name: tensor.name, type: tensor.type, shape: tensor.shape))
    }
  }

  /// Nil where the base was not imported.
  init?(base: String) throws {
    let path = base + "/" + Self.fileName
    guard let json = try ModelFiles.jsonIfPresent(path) else { return nil }
    func fault(_ what: String) -> ModelFileError {
      .faults(path: path, [what + ". Import the model again with \"peqa quantize --keep-codes\"."])
    }
    guard let format = json["format"]?.string, let list = json["files"]?.array else {
      throw fault("\"format\" or \"files\" is missing")
    }
    self.format = format
    files = try list.map { file in
      guard let name = file["name"]?.string, Self.isPlain(name),
        let tensors = file["tensors"]?.array
      else { throw fault("a file without name or tensors") }
      let metadata = (file["metadata"]?.members ?? []).compactMap { member in
        member.value.string.map { (key: member.key, value: $0) }
      }
      return File(
        name: name, metadata: metadata,
        tensors: try tensors.map { tensor in
          guard let name = tensor["name"]?.string, let dtype = tensor["dtype"]?.string,
            let type = ElementType(rawValue: dtype),
            let shape = tensor["shape"]?.array?.compactMap({ $0.int }),
            let count = TensorDescriptor.elementCount(of: shape),
            (shape.last ?? 1) % type.blockSize == 0, type.byteCount(elements: count) != nil
          else { throw fault("a tensor without name, dtype or a shape that can be") }
          return TensorDeclaration(name: name, type: type, shape: shape)
        })
    }
  }

  /// A file in the same folder.
  private static func isPlain(_ name: String) -> Bool {
    name != "." && name != ".." && !name.utf8.contains { $0 == UInt8(ascii: "/") || $0 == 0 }
  }

  var json: JSONValue {
    [
      "format": .string(format),
      "files": .array(
        files.map { file in
          [
            "name": .string(file.name),
            "metadata": .object(
              file.metadata.map { JSONValue.Member(key: $0.key, value: .string($0.value)) }),
            "tensors": .array(
              file.tensors.map {
                [
                  "name": .string($0.name), "dtype": .string($0.type.rawValue),
                  "shape": .array($0.shape.map { .integer($0) }),
                ]
              }),
          ]
        }),
    ]
  }
}
