internal import Checkpoints
internal import Foundation
internal import TestSupport

/// Folders that tests write to, and models they may damage.
enum Scratch {
  static func fixture(_ name: String) -> String {
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("DecoderModelTests/Fixtures/\(name)").path
  }

  static func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = try TemporaryFolder()
    return try withExtendedLifetime(folder) { try body(folder.path) }
  }

  /// A copy of a tiny F32 model.
  static func withModel<Result>(_ body: (String) throws -> Result) throws -> Result {
    try withFolder { folder in
      try FileManager.default.copyItem(
        atPath: fixture("dense_f32_sharded"), toPath: folder + "/model")
      return try body(folder + "/model")
    }
  }

  /// Sets element `index` of an F32 tensor.
  static func patch(_ path: String, _ name: String, _ index: Int, _ value: Float) throws {
    let directory = try SafetensorsDirectory(path: path)
    let tensor = try directory.requiredTensor(named: name)
    let file = directory.file(of: tensor).path
    var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
    let place = tensor.byteRange.lowerBound + index * 4
    withUnsafeBytes(of: value) { bytes.replaceSubrange(place..<(place + 4), with: $0) }
    try AtomicFile.write(bytes, to: file)
  }
}
