/// One value of GGUF metadata, with the width it has in the file.
package enum GGUFValue: Sendable, Equatable {
  case uint8(UInt8)
  case int8(Int8)
  case uint16(UInt16)
  case int16(Int16)
  case uint32(UInt32)
  case int32(Int32)
  case float32(Float)
  case bool(Bool)
  /// The bytes as they stand, which need not be valid UTF-8.
  case string([UInt8])
  case array(GGUFArray)
  case uint64(UInt64)
  case int64(Int64)
  case float64(Double)

  package static func text(_ text: String) -> GGUFValue { .string(Array(text.utf8)) }
}

/// One entry of GGUF metadata.
package struct GGUFEntry: Sendable, Equatable {
  package var key: String
  package var value: GGUFValue

  package init(key: String, value: GGUFValue) {
    self.key = key
    self.value = value
  }
}

/// The numbers GGUF gives to value types. Source: ggml/docs/gguf.md.
package enum GGUFType: UInt32, Sendable, CaseIterable {
  case uint8, int8, uint16, int16, uint32, int32, float32, bool, string, array
  case uint64, int64, float64

  /// Bytes a value; nil for strings and arrays.
  var size: Int? {
    switch self {
    case .uint8, .int8, .bool: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64: 8
    case .string, .array: nil
    }
  }

  /// The fewest bytes an element of this type takes in a file.
  var leastSize: Int { size ?? (self == .string ? 8 : 12) }
}

extension GGUFValue {
  package var type: GGUFType {
    switch self {
    case .uint8: .uint8
    case .int8: .int8
    case .uint16: .uint16
    case .int16: .int16
    case .uint32: .uint32
    case .int32: .int32
    case .float32: .float32
    case .bool: .bool
    case .string: .string
    case .array: .array
    case .uint64: .uint64
    case .int64: .int64
    case .float64: .float64
    }
  }

  /// Any integer type, where the value fits.
  package var int: Int? {
    switch self {
    case .uint8(let value): Int(value)
    case .int8(let value): Int(value)
    case .uint16(let value): Int(value)
    case .int16(let value): Int(value)
    case .uint32(let value): Int(value)
    case .int32(let value): Int(value)
    case .uint64(let value): Int(exactly: value)
    case .int64(let value): Int(value)
    case .float32, .float64, .bool, .string, .array: nil
    }
  }

  /// Any number.
  package var double: Double? {
    switch self {
    case .float32(let value): Double(value)
    case .float64(let value): value
    case .uint64(let value): Double(value)
    default: int.map { Double($0) }
    }
  }

  package var bool: Bool? { if case .bool(let value) = self { value } else { nil } }
  package var bytes: [UInt8]? { if case .string(let value) = self { value } else { nil } }
  package var array: GGUFArray? { if case .array(let value) = self { value } else { nil } }
  /// A string that is valid UTF-8.
  package var string: String? { bytes.flatMap { String(validating: $0, as: UTF8.self) } }
}
