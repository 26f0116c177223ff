/// Streams a GGUF file, version 3: metadata and tensors declared up front, bytes appended in order.
///
/// Without tensors it writes metadata alone, e.g. a tokenizer. `general.alignment` is honoured
/// where the metadata has it.
package final class GGUFWriter: TensorWriter {
  /// Throws `exists` unless `overwrite`, `full` where the file does not fit on the disk.
  package init(
    path: String, metadata: [GGUFEntry], tensors: [TensorDeclaration] = [],
    overwrite: Bool = false, digest: Bool = false
  ) throws(CheckpointError) {
    let declared = metadata.first { $0.key.utf8.elementsEqual(GGUFFile.alignmentKey.utf8) }
    let alignment = declared?.value.int ?? GGUFFile.defaultAlignment
    precondition(alignment > 0 && alignment.nonzeroBitCount == 1, "alignment is a power of two")
    try super.init(
      path: path, header: Self.header(metadata, tensors, alignment: alignment), tensors: tensors,
      alignment: alignment, overwrite: overwrite, digest: digest)
  }

  /// Writes a file of metadata alone.
  package static func write(
    metadata: [GGUFEntry], to path: String, overwrite: Bool = false
  ) throws(CheckpointError) {
    try GGUFWriter(path: path, metadata: metadata, overwrite: overwrite).finish()
  }

  private static func header(
    _ metadata: [GGUFEntry], _ tensors: [TensorDeclaration], alignment: Int
  ) -> [UInt8] {
    var output = GGUFFile.magic
    output.append(littleEndian: UInt32(3))
    output.append(littleEndian: UInt64(tensors.count))
    output.append(littleEndian: UInt64(metadata.count))
    var names = NameIndex()
    for (position, entry) in metadata.enumerated() {
      precondition(names.insert(entry.key.utf8, at: position), "\(entry.key) is declared twice")
      output.append(string: Array(entry.key.utf8))
      output.append(littleEndian: entry.value.type.rawValue)
      output.append(value: entry.value)
    }
    var offset = 0
    names = NameIndex()
    for (position, tensor) in tensors.enumerated() {
      precondition(names.insert(tensor.name.utf8, at: position), "\(tensor.name) is declared twice")
      output.append(info: tensor, offset: offset)
      offset += tensor.byteCount.roundedUp(to: alignment)
    }
    let padding = output.count.roundedUp(to: alignment) - output.count
    return output + [UInt8](repeating: 0, count: padding)
  }
}

extension [UInt8] {
  fileprivate mutating func append(string: [UInt8]) {
    append(littleEndian: UInt64(string.count))
    append(contentsOf: string)
  }

  fileprivate mutating func append(info tensor: TensorDeclaration, offset: Int) {
    guard let code = tensor.type.ggmlCode, tensor.shape.count <= GGUFFile.maximumDimensions else {
      preconditionFailure("\(tensor.name): GGUF has no \(tensor.type.name) \(tensor.shape)")
    }
    append(string: Array(tensor.name.utf8))
    append(littleEndian: UInt32(tensor.shape.count))
    for size in tensor.shape.reversed() { append(littleEndian: UInt64(size)) }
    append(littleEndian: code)
    append(littleEndian: UInt64(offset))
  }

  fileprivate mutating func append(value: GGUFValue) {
    switch value {
    case .uint8(let value): append(value)
    case .int8(let value): append(UInt8(bitPattern: value))
    case .uint16(let value): append(littleEndian: value)
    case .int16(let value): append(littleEndian: value)
    case .uint32(let value): append(littleEndian: value)
    case .int32(let value): append(littleEndian: value)
    case .float32(let value): append(littleEndian: value.bitPattern)
    case .bool(let value): append(value ? 1 : 0)
    case .string(let value): append(string: value)
    case .array(let value): append(array: value)
    case .uint64(let value): append(littleEndian: value)
    case .int64(let value): append(littleEndian: value)
    case .float64(let value): append(littleEndian: value.bitPattern)
    }
  }

  fileprivate mutating func append(array: GGUFArray) {
    append(littleEndian: array.elementType.rawValue)
    append(littleEndian: UInt64(array.count))
    switch array.storage {
    case .packed(let bytes): append(contentsOf: bytes)
    case .strings(let strings): for string in strings { append(string: string) }
    case .arrays(let arrays): for element in arrays { append(array: element) }
    }
  }
}
