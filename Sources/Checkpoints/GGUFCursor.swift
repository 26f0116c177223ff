/// Reads GGUF's little-endian primitives one after the other; every read is checked against the
/// end.
struct GGUFCursor {
  /// Arrays in arrays go so deep and no deeper.
  static let maximumNesting = 4

  let bytes: UnsafeRawBufferPointer
  let path: String
  private(set) var position = 0

  init(_ file: MappedFile) {
    bytes = file.bytes
    path = file.path
  }

  func fault(_ fault: CheckpointError.Fault, _ detail: String) -> CheckpointError {
    .malformed(path: path, fault: fault, detail: detail)
  }

  private mutating func take(_ count: UInt64, _ what: String) throws(CheckpointError) -> Int {
    guard count <= UInt64(bytes.count - position) else {
      throw fault(
        .truncated,
        "\(what) at byte \(position) takes \(count) bytes, the file has \(bytes.count - position) left"
      )
    }
    defer { position += Int(count) }
    return position
  }

  mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
    _ type: Value.Type, _ what: String
  ) throws(CheckpointError) -> Value {
    let offset = try take(UInt64(MemoryLayout<Value>.size), what)
    return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
  }

  mutating func string(_ what: String) throws(CheckpointError) -> [UInt8] {
    let count = try integer(UInt64.self, what)
    let start = try take(count, what)
    return Array(bytes[start..<start + Int(count)])
  }

  /// A string that must be valid UTF-8: a key or a tensor's name.
  mutating func name(_ what: String) throws(CheckpointError) -> String {
    let start = position
    guard let name = String(validating: try string(what), as: UTF8.self) else {
      throw fault(.encoding, "\(what) at byte \(start) is not valid UTF-8")
    }
    return name
  }

  mutating func type(_ what: String) throws(CheckpointError) -> GGUFType {
    let code = try integer(UInt32.self, what)
    guard let type = GGUFType(rawValue: code) else {
      throw fault(.elementType, "\(what) has the unknown value type \(code)")
    }
    return type
  }

  mutating func value(_ type: GGUFType, of key: String) throws(CheckpointError) -> GGUFValue {
    switch type {
    case .uint8: .uint8(try integer(UInt8.self, key))
    case .int8: .int8(try integer(Int8.self, key))
    case .uint16: .uint16(try integer(UInt16.self, key))
    case .int16: .int16(try integer(Int16.self, key))
    case .uint32: .uint32(try integer(UInt32.self, key))
    case .int32: .int32(try integer(Int32.self, key))
    case .float32: .float32(Float(bitPattern: try integer(UInt32.self, key)))
    case .bool: .bool(try bool(of: key))
    case .string: .string(try string(key))
    case .array: .array(try array(of: key, nesting: 1))
    case .uint64: .uint64(try integer(UInt64.self, key))
    case .int64: .int64(try integer(Int64.self, key))
    case .float64: .float64(Double(bitPattern: try integer(UInt64.self, key)))
    }
  }

  private mutating func bool(of key: String) throws(CheckpointError) -> Bool {
    let byte = try integer(UInt8.self, key)
    guard byte <= 1 else { throw fault(.value, "\(key) is a truth value of \(byte)") }
    return byte == 1
  }

  private mutating func array(
    of key: String, nesting: Int
  ) throws(CheckpointError) -> GGUFArray {
    guard nesting <= Self.maximumNesting else {
      throw fault(.nesting, "\(key) nests arrays deeper than \(Self.maximumNesting)")
    }
    let type = try type(key)
    let declared = try integer(UInt64.self, key)
    // The count is only believed when the rest of the file can hold so many elements.
    guard declared <= UInt64((bytes.count - position) / type.leastSize) else {
      throw fault(.count, "\(key) claims \(declared) elements, more than the file can hold")
    }
    let count = Int(declared)
    let storage: GGUFArray.Storage
    switch type {
    case .string:
      var strings: [[UInt8]] = []
      for _ in 0..<count { strings.append(try string(key)) }
      storage = .strings(strings)
    case .array:
      var arrays: [GGUFArray] = []
      for _ in 0..<count { arrays.append(try array(of: key, nesting: nesting + 1)) }
      storage = .arrays(arrays)
    default:
      let start = try take(UInt64(count * type.leastSize), key)
      let packed = bytes[start..<position]
      guard type != .bool || packed.allSatisfy({ $0 <= 1 }) else {
        throw fault(.value, "\(key) has a truth value that is neither 0 nor 1")
      }
      storage = .packed(Array(packed))
    }
    return GGUFArray(elementType: type, count: count, storage: storage)
  }
}
