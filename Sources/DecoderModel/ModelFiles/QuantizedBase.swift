package import Checkpoints
internal import Foundation

/// A frozen base: the integers of all linear layers and the other weights, mapped and never copied.
///
/// Everything handed out points into the mapping and is valid while this object lives. Opening
/// checks the manifest, the configuration, every tensor's type and shape, size and header of the
/// file, zero points and scales; `verifyDigest` reads every byte.
package final class QuantizedBase: Sendable {
  /// The directory.
  package let path: String
  package let manifest: BaseManifest
  package let config: DecoderConfig
  package let file: SafetensorsFile
  /// Layer by layer, in the order of `BlockSpec.linears`.
  private let linears: [QuantizedMatrix]
  /// Matrices of the vocabulary that are quantized, by canonical name.
  private let vocabulary: [String: QuantizedMatrix]
  /// Embedding, norms and the output matrix, as far as they are not.
  private let dense: [String: DenseTensor]

  /// True where `path` is a directory with a manifest.
  package static func isBase(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: path + "/" + BaseManifest.fileName)
  }

  package init(path: String) throws {
    let manifestPath = path + "/" + BaseManifest.fileName
    guard FileManager.default.fileExists(atPath: manifestPath) else {
      throw ModelFileError.missing(
        path: path,
        remedy: "no base here: \(BaseManifest.fileName) is missing. Make one with "
          + "\"peqa quantize MODEL --output \(path)\".")
    }
    self.path = path
    manifest = try BaseManifest(ModelFiles.json(manifestPath), path: manifestPath)
    let configPath = path + "/config.json"
    config = try DecoderConfig(huggingFace: ModelFiles.json(configPath), path: configPath)
    try Self.checkConfig(config, manifest, path: configPath)
    file = try SafetensorsFile(path: path + "/" + BaseManifest.weightsName)
    try Self.checkIdentity(file, manifest)
    let tensors = try BaseTensors.collect(file, config, manifest)
    (linears, vocabulary, dense) = (tensors.linears, tensors.vocabulary, tensors.dense)
  }

  package func linear(_ role: LinearRole, layer: Int) -> QuantizedMatrix {
    guard (0..<config.layerCount).contains(layer), let position = config.block.position(of: role)
    else { preconditionFailure("the model has no \(role) in layer \(layer)") }
    return linears[layer * config.block.linearCount + position]
  }

  package func linear(_ kind: LinearKind, layer: Int) -> QuantizedMatrix {
    linear(LinearRole(kind), layer: layer)
  }

  /// A matrix of the vocabulary by canonical name, where it is quantized.
  package func quantizedVocabulary(_ name: String) -> QuantizedMatrix? { vocabulary[name] }

  /// Embedding, norms and `lm_head.weight` by canonical name, where they are not quantized.
  package func tensor(_ name: String) throws -> DenseTensor {
    guard let tensor = dense[name] else {
      throw ModelFileError.faults(path: file.path, ["there is no tensor \"\(name)\""])
    }
    return tensor
  }

  /// Reads the whole file and compares its SHA-256 with the manifest's.
  ///
  /// - Parameter progress: told the part that is done, now and then; what it throws ends the
  ///   reading.
  package func verifyDigest(progress: (Double) throws -> Void = { _ in }) throws {
    var hash = SHA256()
    let bytes = mapping.bytes
    let chunk = 32 << 20
    for start in stride(from: 0, to: bytes.count, by: chunk) {
      let end = min(start + chunk, bytes.count)
      hash.update(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
      try progress(Double(end) / Double(bytes.count))
    }
    let digest = hash.hexDigest()
    guard digest == manifest.baseDigest else {
      throw ModelFileError.digest(
        path: file.path,
        detail: "the SHA-256 is \(digest), but the manifest says \(manifest.baseDigest). "
          + "The base was changed or damaged: make it again with \"peqa quantize\".")
    }
  }

  var mapping: MappedFile { file.file(of: file.tensors[0]) }

  private static func checkConfig(
    _ config: DecoderConfig, _ manifest: BaseManifest, path: String
  ) throws {
    guard let expected = manifest.configDigest, expected != config.digest else { return }
    throw ModelFileError.digest(
      path: path,
      detail:
        "it does not describe the model that was quantized (config_sha256 is \(config.digest), "
        + "the manifest says \(expected)). Put the file back that \"peqa quantize\" wrote.")
  }

  private static func checkIdentity(_ file: SafetensorsFile, _ manifest: BaseManifest) throws {
    guard let first = file.tensors.first else {
      throw ModelFileError.faults(path: file.path, ["the file holds no tensors"])
    }
    let bytes = file.file(of: first).bytes
    if let size = manifest.fileSize, size != bytes.count {
      throw ModelFileError.digest(
        path: file.path,
        detail: "the file has \(bytes.count) bytes, the manifest says \(size). "
          + "It is not the base that was made: run \"peqa quantize\" again.")
    }
    if let digest = manifest.headerDigest, digest != headerDigest(bytes) {
      throw ModelFileError.digest(
        path: file.path,
        detail: "the header is not the one that the manifest speaks of. "
          + "It is not the base that was made: run \"peqa quantize\" again.")
    }
  }

  /// SHA-256 of the length and the text of a safetensors header.
  package static func headerDigest(_ bytes: UnsafeRawBufferPointer) -> String {
    guard bytes.count >= 8 else { return SHA256.hexDigest(of: bytes) }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    let end = 8 + Int(min(length, UInt64(bytes.count - 8)))
    return SHA256.hexDigest(of: UnsafeRawBufferPointer(rebasing: bytes[..<end]))
  }
}

/// A tensor that is not quantized, where it lies in the base, which it keeps mapped.
package struct DenseTensor: @unchecked Sendable {
  package let name: String
  /// F32, F16 or BF16.
  package let type: ElementType
  package let shape: [Int]
  package let bytes: UnsafeRawBufferPointer
  /// The pointer is valid while this lives.
  package let owner: MappedFile
}
