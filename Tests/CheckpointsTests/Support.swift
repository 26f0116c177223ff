import Checkpoints
import Foundation

enum Fixture {
  static let folder = Bundle.module.resourcePath! + "/Fixtures"

  static func path(_ name: String) -> String { folder + "/" + name }

  static func bytes(_ name: String) throws -> [UInt8] { try fileBytes(path(name)) }

  /// `../shared/data` beside the package, where there is one.
  static let shared = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("shared/data").path

  static func hasShared(_ name: String) -> Bool {
    FileManager.default.fileExists(atPath: shared + "/" + name)
  }
}

func fileBytes(_ path: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
}

/// Touches everything a file offers, as a reader of models would.
@discardableResult
func readEverything(_ source: some TensorSource) throws -> Bool {
  var isFinite = true
  if let file = source as? GGUFFile { readMetadata(file) }
  for tensor in source.tensors {
    source.advise(.willNeed, tensor)
    if tensor.type.isReal {
      let values = try source.floats(of: tensor)
      if values.withUnsafeBufferPointer({ $0.firstNonFinite }) != nil { isFinite = false }
    }
    _ = source.bytes(of: tensor).reduce(0 as UInt8, &+)
  }
  return isFinite
}

private func readMetadata(_ file: GGUFFile) {
  for entry in file.metadata {
    let value = entry.value
    _ = (value.int, value.double, value.string, value.bool)
    _ = (value.array?.ints, value.array?.floats, value.array?.bools, value.array?.strings)
  }
}
