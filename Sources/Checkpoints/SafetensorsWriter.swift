internal import JSONText

/// Streams a safetensors file: tensors declared up front, bytes appended in that order.
///
///     let writer = try SafetensorsWriter(path: path, tensors: declarations, digest: true)
///     try writer.append(bytes, to: "model.norm.weight")
///     let sha256 = try writer.finish()
///
/// The header is padded with spaces so that the data starts at a multiple of 64 bytes. The format
/// allows no gap between tensors: declare those with large alignments first.
package final class SafetensorsWriter: TensorWriter {
  package static let dataAlignment = 64

  /// Throws `exists` unless `overwrite`, `full` where the file does not fit on the disk. `uncached`
  /// keeps what is written out of the page cache.
  package init(
    path: String, tensors: [TensorDeclaration], metadata: [(key: String, value: String)] = [],
    overwrite: Bool = false, digest: Bool = false, uncached: Bool = false
  ) throws(CheckpointError) {
    try super.init(
      path: path, header: Self.header(tensors, metadata), tensors: tensors, alignment: 1,
      overwrite: overwrite, digest: digest, uncached: uncached)
  }

  /// Bytes of a file with these tensors.
  package static func byteCount(
    _ tensors: [TensorDeclaration], metadata: [(key: String, value: String)] = []
  ) -> Int {
    tensors.reduce(header(tensors, metadata).count) { $0 + $1.byteCount }
  }

  private static func header(
    _ tensors: [TensorDeclaration], _ metadata: [(key: String, value: String)]
  ) -> [UInt8] {
    var members: [JSONValue.Member] = []
    if !metadata.isEmpty {
      let entries = metadata.map { JSONValue.Member(key: $0.key, value: .string($0.value)) }
      members.append(JSONValue.Member(key: "__metadata__", value: .object(entries)))
    }
    var names = NameIndex()
    var offset = 0
    for (position, tensor) in tensors.enumerated() {
      precondition(!tensor.type.isBlockQuantized, "\(tensor.name): \(tensor.type) is a GGUF type")
      precondition(names.insert(tensor.name.utf8, at: position), "\(tensor.name) is declared twice")
      let end = offset + tensor.byteCount
      let entry: JSONValue = [
        "dtype": .string(tensor.type.name), "shape": .array(tensor.shape.map { .integer($0) }),
        "data_offsets": [.integer(offset), .integer(end)],
      ]
      members.append(JSONValue.Member(key: tensor.name, value: entry))
      offset = end
    }
    var text = Array(JSONValue.object(members).text().utf8)
    let padding = (8 + text.count).roundedUp(to: dataAlignment) - 8 - text.count
    text.append(contentsOf: repeatElement(UInt8(ascii: " "), count: padding))
    precondition(text.count <= SafetensorsFile.maximumHeaderSize, "too many tensors for one file")
    return UInt64(text.count).littleEndianBytes + text
  }
}
