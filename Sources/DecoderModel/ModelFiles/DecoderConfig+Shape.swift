internal import Foundation

extension DecoderConfig {
  /// A preset by name, or a `config.json` by path.
  package static func shape(_ shape: String) throws -> DecoderConfig {
    if let preset = preset(named: shape) { return preset }
    guard FileManager.default.fileExists(atPath: shape) else {
      let names = presets.map(\.name).joined(separator: ", ")
      throw ModelFileError.missing(
        path: shape, remedy: "no such shape, and no file. Known shapes: \(names).")
    }
    return try DecoderConfig(huggingFace: ModelFiles.json(shape), path: shape)
  }
}
