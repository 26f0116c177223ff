/// A GGUF file, version 2 or 3, little-endian, mapped; checked in full before it is used.
///
/// Shapes are turned round on reading: outermost dimension first, as everywhere in this program.
/// Source: ggml/docs/gguf.md.
package final class GGUFFile: TensorSource {
  package static let defaultAlignment = 32
  /// GGML_MAX_DIMS.
  static let maximumDimensions = 4
  static let magic: [UInt8] = Array("GGUF".utf8)
  static let alignmentKey = "general.alignment"

  package let version: Int
  /// In the order of the file.
  package let metadata: [GGUFEntry]
  package let tensors: [TensorDescriptor]
  private let mapping: MappedFile
  private let tensorIndex: NameIndex
  private let metadataIndex: NameIndex

  package var path: String { mapping.path }

  package init(path: String) throws(CheckpointError) {
    mapping = try MappedFile(path: path)
    var cursor = GGUFCursor(mapping)
    version = try Self.readVersion(&cursor)
    let tensorCount = try cursor.integer(UInt64.self, "tensor count")
    let entryCount = try cursor.integer(UInt64.self, "metadata count")
    (metadata, metadataIndex) = try Self.readMetadata(&cursor, count: entryCount)
    let alignment = try Self.alignment(
      metadataIndex[Self.alignmentKey].map { [metadata] in metadata[$0].value }, cursor)
    let infos = try Self.readInfos(&cursor, count: tensorCount)
    tensors = try Self.place(infos, alignment: alignment, cursor)
    var index = NameIndex()
    for (position, tensor) in tensors.enumerated() {
      guard index.insert(tensor.name.utf8, at: position) else {
        throw cursor.fault(.duplicate, "tensor \"\(tensor.name)\" is there twice")
      }
    }
    tensorIndex = index
  }

  package func tensor(named name: String) -> TensorDescriptor? {
    tensorIndex[name].map { tensors[$0] }
  }

  package func file(of tensor: TensorDescriptor) -> MappedFile { mapping }

  /// The metadata value of `key`, e.g. `general.architecture`.
  package subscript(_ key: String) -> GGUFValue? { metadataIndex[key].map { metadata[$0].value } }
}

extension GGUFFile {
  private static func readVersion(_ cursor: inout GGUFCursor) throws(CheckpointError) -> Int {
    guard cursor.bytes.count >= 24 else {
      throw cursor.fault(.truncated, "\(cursor.bytes.count) bytes are too few for a GGUF file")
    }
    guard cursor.bytes.prefix(4).elementsEqual(magic) else {
      throw cursor.fault(.syntax, "the file does not start with \"GGUF\"")
    }
    _ = try cursor.integer(UInt32.self, "magic")
    let version = try cursor.integer(UInt32.self, "version")
    guard version == 2 || version == 3 else {
      let detail =
        version.byteSwapped == 2 || version.byteSwapped == 3
        ? "big-endian GGUF is not read here. Convert the model to little-endian."
        : "GGUF version \(version) is not read here, only 2 and 3. Convert the model again."
      throw .unsupported(path: cursor.path, detail: detail)
    }
    return Int(version)
  }

  private static func readMetadata(
    _ cursor: inout GGUFCursor, count: UInt64
  ) throws(CheckpointError) -> ([GGUFEntry], NameIndex) {
    var entries: [GGUFEntry] = []
    var index = NameIndex()
    var left = count
    while left > 0 {
      let key = try cursor.name("metadata key")
      let type = try cursor.type(key)
      guard index.insert(key.utf8, at: entries.count) else {
        throw cursor.fault(.duplicate, "metadata key \"\(key)\" is there twice")
      }
      entries.append(GGUFEntry(key: key, value: try cursor.value(type, of: key)))
      left -= 1
    }
    return (entries, index)
  }

  private static func alignment(
    _ value: GGUFValue?, _ cursor: GGUFCursor
  ) throws(CheckpointError) -> Int {
    guard let value else { return defaultAlignment }
    guard case .uint32(let alignment) = value, alignment > 0, alignment.nonzeroBitCount == 1 else {
      throw cursor.fault(.alignment, "\(alignmentKey) must be a power of two of type uint32")
    }
    return Int(alignment)
  }

  /// A tensor's entry before its place in the file is known.
  private struct Info {
    var name: String
    var type: ElementType
    var shape: [Int]
    var byteCount: Int
    var offset: UInt64
  }

  private static func readInfos(
    _ cursor: inout GGUFCursor, count: UInt64
  ) throws(CheckpointError) -> [Info] {
    var infos: [Info] = []
    var left = count
    while left > 0 {
      infos.append(try readInfo(&cursor))
      left -= 1
    }
    return infos
  }

  private static func readInfo(_ cursor: inout GGUFCursor) throws(CheckpointError) -> Info {
    let name = try cursor.name("tensor name")
    let dimensions = try cursor.integer(UInt32.self, name)
    guard dimensions <= maximumDimensions else {
      throw cursor.fault(
        .shape, "tensor \"\(name)\" has \(dimensions) dimensions, the limit is \(maximumDimensions)"
      )
    }
    var sizes: [UInt64] = []
    for _ in 0..<dimensions { sizes.append(try cursor.integer(UInt64.self, name)) }
    let code = try cursor.integer(UInt32.self, name)
    let offset = try cursor.integer(UInt64.self, name)
    guard let type = ElementType(ggmlCode: code) else {
      throw .unsupported(
        path: cursor.path,
        detail: "tensor \"\(name)\" has the unsupported type "
          + "\(ElementType.nameOfUnsupported(ggmlCode: code)). "
          + "Supported: \(ElementType.supportedInGGUF).")
    }
    let shape = sizes.reversed().compactMap { Int(exactly: $0) }
    guard shape.count == sizes.count, let elements = TensorDescriptor.elementCount(of: shape),
      (shape.last ?? 1) % type.blockSize == 0, let bytes = type.byteCount(elements: elements)
    else {
      throw cursor.fault(
        .shape, "tensor \"\(name)\": \(type.name) cannot have the dimensions \(sizes)")
    }
    return Info(name: name, type: type, shape: shape, byteCount: bytes, offset: offset)
  }

  /// Gives every tensor its bytes; they must be aligned, inside the file and not overlap.
  private static func place(
    _ infos: [Info], alignment: Int, _ cursor: GGUFCursor
  ) throws(CheckpointError) -> [TensorDescriptor] {
    let (padded, overflow) = cursor.position.addingReportingOverflow(alignment - 1)
    let dataStart = overflow ? .max : padded / alignment * alignment
    var tensors: [TensorDescriptor] = []
    for info in infos {
      guard info.offset % UInt64(alignment) == 0 else {
        throw cursor.fault(
          .alignment,
          "tensor \"\(info.name)\" starts at \(info.offset), no multiple of \(alignment)")
      }
      let room = cursor.bytes.count - dataStart
      guard room >= info.byteCount, info.offset <= UInt64(room - info.byteCount) else {
        throw cursor.fault(
          .outOfFile,
          "tensor \"\(info.name)\" of \(info.byteCount) bytes at \(info.offset) ends after the file"
        )
      }
      let start = dataStart + Int(info.offset)
      tensors.append(
        TensorDescriptor(
          name: info.name, type: info.type, shape: info.shape,
          byteRange: start..<start + info.byteCount))
    }
    tensors.sort {
      ($0.byteRange.lowerBound, $0.byteRange.upperBound)
        < ($1.byteRange.lowerBound, $1.byteRange.upperBound)
    }
    for (one, next) in zip(tensors, tensors.dropFirst())
    where next.byteRange.lowerBound < one.byteRange.upperBound {
      throw cursor.fault(.overlap, "tensors \"\(one.name)\" and \"\(next.name)\" overlap")
    }
    return tensors
  }
}
