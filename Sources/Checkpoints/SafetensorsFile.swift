package import JSONText

/// One safetensors file, mapped; the header is checked in full before anything is handed out.
///
/// Format: UInt64 little-endian N, N bytes of JSON, then the data. Source: safetensors README.
package final class SafetensorsFile: TensorSource {
  /// A longer header is refused, as by the reference implementation.
  package static let maximumHeaderSize = 100_000_000

  package let tensors: [TensorDescriptor]
  /// The strings under `__metadata__`, an empty object where there are none.
  package let metadata: JSONValue
  let mapping: MappedFile
  private let index: NameIndex

  package var path: String { mapping.path }

  /// - Parameter inMemory: reads the file in place of mapping it; for small files.
  package convenience init(
    path: String, inMemory: Bool = false
  ) throws(CheckpointError) {
    try self.init(
      mapping: inMemory ? MappedFile(copying: path) : MappedFile(path: path), shard: 0)
  }

  init(mapping: MappedFile, shard: Int) throws(CheckpointError) {
    let header = try SafetensorsHeader(of: mapping, shard: shard)
    self.mapping = mapping
    tensors = header.tensors
    metadata = header.metadata
    var index = NameIndex()
    for (position, tensor) in header.tensors.enumerated() {
      guard index.insert(tensor.name.utf8, at: position) else {
        throw .malformed(
          path: mapping.path, fault: .duplicate,
          detail: "tensor \"\(tensor.name)\" is there twice")
      }
    }
    self.index = index
  }

  package func tensor(named name: String) -> TensorDescriptor? { index[name].map { tensors[$0] } }

  package func file(of tensor: TensorDescriptor) -> MappedFile { mapping }
}
