/// How the elements of a tensor are stored.
///
/// Plain types hold one element a block. The `q` and `iq` types are GGML's: `blockSize` elements
/// share scales, and only whole blocks can be addressed.
/// Sources: safetensors README (dtypes); ggml-common.h and gguf-py constants.py (blocks, type ids).
// swift-format-ignore: AlwaysUseLowerCamelCase
package enum ElementType: String, CaseIterable, Sendable {
  case f64 = "F64"
  case f32 = "F32"
  case f16 = "F16"
  case bf16 = "BF16"
  case i64 = "I64"
  case i32 = "I32"
  case i16 = "I16"
  case i8 = "I8"
  case u64 = "U64"
  case u32 = "U32"
  case u16 = "U16"
  case u8 = "U8"
  case bool = "BOOL"
  case q4_0 = "Q4_0"
  case q4_1 = "Q4_1"
  case q5_0 = "Q5_0"
  case q5_1 = "Q5_1"
  case q8_0 = "Q8_0"
  case q2_K = "Q2_K"
  case q3_K = "Q3_K"
  case q4_K = "Q4_K"
  case q5_K = "Q5_K"
  case q6_K = "Q6_K"
  case iq4_NL = "IQ4_NL"
  case iq4_XS = "IQ4_XS"

  package var name: String { rawValue }

  /// Elements a block.
  package var blockSize: Int {
    switch self {
    case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .iq4_NL: 32
    case .q2_K, .q3_K, .q4_K, .q5_K, .q6_K, .iq4_XS: 256
    default: 1
    }
  }

  /// Bytes a block.
  package var blockBytes: Int {
    switch self {
    case .f64, .i64, .u64: 8
    case .f32, .i32, .u32: 4
    case .f16, .bf16, .i16, .u16: 2
    case .i8, .u8, .bool: 1
    case .q4_0: 2 + 16
    case .q4_1: 4 + 16
    case .q5_0: 2 + 4 + 16
    case .q5_1: 4 + 4 + 16
    case .q8_0: 2 + 32
    case .q2_K: 16 + 64 + 4
    case .q3_K: 32 + 64 + 12 + 2
    case .q4_K: 4 + 12 + 128
    case .q5_K: 4 + 12 + 32 + 128
    case .q6_K: 128 + 64 + 16 + 2
    case .iq4_NL: 2 + 16
    case .iq4_XS: 2 + 2 + 4 + 128
    }
  }

  package var isBlockQuantized: Bool { blockSize > 1 }

  /// True where elements stand for real numbers: float types and GGML's blocks.
  package var isReal: Bool {
    switch self {
    case .f64, .f32, .f16, .bf16: true
    default: isBlockQuantized
    }
  }

  /// Bytes of `count` elements; nil where that is no whole number of blocks or does not fit.
  package func byteCount(elements count: Int) -> Int? {
    guard count >= 0, count % blockSize == 0 else { return nil }
    let (bytes, overflow) = (count / blockSize).multipliedReportingOverflow(by: blockBytes)
    return overflow ? nil : bytes
  }
}

extension ElementType {
  /// The type a safetensors header names, e.g. `BF16`.
  package init?(safetensorsName name: String) {
    guard let type = ElementType(rawValue: name), !type.isBlockQuantized else { return nil }
    self = type
  }

  /// The number of this type in GGUF; nil for the types GGML has no number for.
  package var ggmlCode: UInt32? {
    switch self {
    case .f32: 0
    case .f16: 1
    case .q4_0: 2
    case .q4_1: 3
    case .q5_0: 6
    case .q5_1: 7
    case .q8_0: 8
    case .q2_K: 10
    case .q3_K: 11
    case .q4_K: 12
    case .q5_K: 13
    case .q6_K: 14
    case .iq4_NL: 20
    case .iq4_XS: 23
    case .i8: 24
    case .i16: 25
    case .i32: 26
    case .i64: 27
    case .f64: 28
    case .bf16: 30
    case .u64, .u32, .u16, .u8, .bool: nil
    }
  }

  package init?(ggmlCode code: UInt32) {
    guard let type = Self.allCases.first(where: { $0.ggmlCode == code }) else { return nil }
    self = type
  }

  /// What GGML calls the types that exist but are not read here, for error messages.
  static func nameOfUnsupported(ggmlCode code: UInt32) -> String {
    let names: [UInt32: String] = [
      4: "Q4_2", 5: "Q4_3", 9: "Q8_1", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS",
      19: "IQ1_S", 21: "IQ3_S", 22: "IQ2_S", 29: "IQ1_M", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
      40: "NVFP4", 41: "Q1_0", 42: "Q2_0",
    ]
    return names[code] ?? "number \(code)"
  }

  /// The real types GGUF tensors may have here, in words.
  static var supportedInGGUF: String {
    allCases.filter { $0.isReal && $0.ggmlCode != nil }.map(\.name).joined(separator: ", ")
  }
}
