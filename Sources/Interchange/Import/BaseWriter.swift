internal import Checkpoints
internal import DecoderModel
internal import JSONText
internal import Quantization

/// A base that is being made: a directory that appears when it is complete and can be opened.
///
/// Write the weights to `weightsPath` and the files beside them to `directory`, then `finish`.
/// Without `finish` nothing stays.
struct BaseWriter {
  private let staged: StagedDirectory

  /// - Parameter overwrite: replaces a base that stands there; anything else is an error (73).
  init(_ path: String, overwrite: Bool) throws {
    staged = try StagedDirectory(
      path: path, overwrite: overwrite, isReplaceable: QuantizedBase.isBase)
  }

  /// Throws what `init` would throw.
  static func check(_ path: String, overwrite: Bool) throws {
    try StagedDirectory.check(path, overwrite: overwrite, QuantizedBase.isBase)
  }

  /// Where the base will stand.
  var path: String { staged.path }
  /// Where files are written until then.
  var directory: String { staged.temporary }

  /// Streams the tensors of a base; its digest is for `finish`.
  func weights(
    _ tensors: [TensorDeclaration], uncached: Bool = false
  ) throws -> SafetensorsWriter {
    try SafetensorsWriter(
      path: directory + "/" + BaseManifest.weightsName, tensors: tensors,
      metadata: Self.metadata, digest: true, uncached: uncached)
  }

  private static let metadata = [(key: "format", value: "peqa-base")]

  /// Bytes of base.safetensors with these tensors.
  static func byteCount(_ tensors: [TensorDeclaration]) -> Int {
    SafetensorsWriter.byteCount(tensors, metadata: metadata)
  }

  /// Completes the manifest with what weights and configuration say, opens the base as a user
  /// would, so that none is published that cannot be used, and gives the directory its name.
  ///
  /// - Parameter isCancelled: asked last; true throws `QuantizationError.cancelled`.
  /// - Returns: the manifest as it stands in the base.
  func finish(
    _ manifest: BaseManifest, isCancelled: () -> Bool = { false }
  ) throws -> BaseManifest {
    var manifest = manifest
    let weights = try MappedFile(path: directory + "/" + BaseManifest.weightsName)
    manifest.fileSize = weights.bytes.count
    manifest.headerDigest = withExtendedLifetime(weights) {
      QuantizedBase.headerDigest(weights.bytes)
    }
    let configPath = directory + "/config.json"
    manifest.configDigest = try DecoderConfig(
      huggingFace: ModelFiles.json(configPath), path: configPath
    ).digest
    try AtomicFile.write(
      manifest.json.text(indent: 2) + "\n", to: directory + "/" + BaseManifest.fileName)
    _ = try QuantizedBase(path: directory)
    if isCancelled() { throw QuantizationError.cancelled }
    try staged.commit()
    return manifest
  }
}
