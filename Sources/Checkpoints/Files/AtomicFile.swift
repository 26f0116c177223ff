/// Small files, written whole or not at all.
package enum AtomicFile {
  /// Writes `bytes` to a temporary file beside `path`, syncs it and renames it into place.
  package static func write(
    _ bytes: UnsafeRawBufferPointer, to path: String, overwrite: Bool = true
  ) throws(CheckpointError) {
    let file = try PendingFile(path: path, size: bytes.count, overwrite: overwrite)
    try file.write(bytes)
    _ = try file.commit()
  }

  package static func write(
    _ bytes: [UInt8], to path: String, overwrite: Bool = true
  ) throws(CheckpointError) {
    let result = bytes.withUnsafeBytes { buffer in
      Result { () throws(CheckpointError) in
        try write(buffer, to: path, overwrite: overwrite)
      }
    }
    try result.get()
  }

  package static func write(
    _ text: String, to path: String, overwrite: Bool = true
  ) throws(CheckpointError) {
    try write(Array(text.utf8), to: path, overwrite: overwrite)
  }
}
