/// An array of GGUF metadata.
///
/// Numbers stay packed as in the file, so that a hostile array takes no more memory than its bytes.
package struct GGUFArray: Sendable, Equatable {
  package let elementType: GGUFType
  package let count: Int
  let storage: Storage

  enum Storage: Sendable, Equatable {
    /// Numbers and truth values, little-endian.
    case packed([UInt8])
    case strings([[UInt8]])
    case arrays([GGUFArray])
  }
}

extension GGUFArray {
  package init(_ values: [UInt8]) { self.init(values, .uint8) }
  package init(_ values: [Int32]) { self.init(values, .int32) }
  package init(_ values: [UInt32]) { self.init(values, .uint32) }
  package init(_ values: [Float]) { self.init(values, .float32) }
  package init(_ values: [Bool]) { self.init(values.map { UInt8($0 ? 1 : 0) }, .bool) }

  /// Strings as bytes, kept exactly.
  package init(_ values: [[UInt8]]) {
    self.init(elementType: .string, count: values.count, storage: .strings(values))
  }

  private init<Element: BitwiseCopyable>(_ values: [Element], _ type: GGUFType) {
    // Little-endian, as every machine this program is built for.
    let bytes = values.withUnsafeBytes { Array($0) }
    self.init(elementType: type, count: values.count, storage: .packed(bytes))
  }
}

extension GGUFArray {
  /// The strings' bytes; nil where the elements are no strings.
  package var strings: [[UInt8]]? {
    if case .strings(let strings) = storage { strings } else { nil }
  }

  package var arrays: [GGUFArray]? {
    if case .arrays(let arrays) = storage { arrays } else { nil }
  }

  /// The elements of any integer type; nil for other types or where one does not fit.
  package var ints: [Int]? {
    switch elementType {
    case .uint8: decode(UInt8.self) { Int($0) }
    case .int8: decode(Int8.self) { Int($0) }
    case .uint16: decode(UInt16.self) { Int($0) }
    case .int16: decode(Int16.self) { Int($0) }
    case .uint32: decode(UInt32.self) { Int($0) }
    case .int32: decode(Int32.self) { Int($0) }
    case .uint64: decode(UInt64.self) { Int(exactly: $0) }
    case .int64: decode(Int64.self) { Int($0) }
    case .float32, .float64, .bool, .string, .array: nil
    }
  }

  /// The elements of either float type, rounded to single precision.
  package var floats: [Float]? {
    switch elementType {
    case .float32: decode(Float.self) { $0 }
    case .float64: decode(Double.self) { Float($0) }
    default: nil
    }
  }

  package var bools: [Bool]? {
    elementType == .bool ? decode(UInt8.self) { $0 != 0 } : nil
  }

  private func decode<Element: BitwiseCopyable, Value>(
    _ type: Element.Type, _ convert: (Element) -> Value?
  ) -> [Value]? {
    guard case .packed(let bytes) = storage else { return nil }
    var values: [Value] = []
    values.reserveCapacity(count)
    let fits = bytes.withUnsafeBytes { buffer in
      (0..<count).allSatisfy { index in
        let offset = index * MemoryLayout<Element>.size
        guard let value = convert(buffer.loadUnaligned(fromByteOffset: offset, as: type)) else {
          return false
        }
        values.append(value)
        return true
      }
    }
    return fits ? values : nil
  }
}
