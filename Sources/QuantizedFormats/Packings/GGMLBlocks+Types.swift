internal import Checkpoints

// The codes of each type of block. Sources: ggml-common.h, ggml-quants.c (dequantize_row_*).
// swift-format-ignore-file: AlwaysUseLowerCamelCase

enum Q4_0Codes: BlockCoding {
  static var type: ElementType { .q4_0 }
  static var fields: CodeFields { CodeFields(4, .nibbles(at: 2, bytes: 16)) }
}

enum Q4_1Codes: BlockCoding {
  static var type: ElementType { .q4_1 }
  static var fields: CodeFields { CodeFields(4, .nibbles(at: 4, bytes: 16)) }
}

enum Q5_0Codes: BlockCoding {
  static var type: ElementType { .q5_0 }
  static var fields: CodeFields { CodeFields(5, .nibbles(at: 6, bytes: 16), .bitStream(at: 2)) }
}

enum Q5_1Codes: BlockCoding {
  static var type: ElementType { .q5_1 }
  static var fields: CodeFields { CodeFields(5, .nibbles(at: 8, bytes: 16), .bitStream(at: 4)) }
}

enum Q8_0Codes: BlockCoding {
  static var type: ElementType { .q8_0 }
  static var fields: CodeFields { CodeFields(8, .bytes(at: 2), meaning: .signed) }
}

enum IQ4_NLCodes: BlockCoding {
  static var type: ElementType { .iq4_NL }
  static var fields: CodeFields { CodeFields(8, .nibbles(at: 2, bytes: 16), meaning: .table) }
}

enum Q2_KCodes: BlockCoding {
  static var type: ElementType { .q2_K }
  static var fields: CodeFields { CodeFields(2, .pairs(at: 16)) }
}

enum Q3_KCodes: BlockCoding {
  static var type: ElementType { .q3_K }
  static var fields: CodeFields { CodeFields(3, .pairs(at: 32), .bits(at: 0)) }
}

enum Q4_KCodes: BlockCoding {
  static var type: ElementType { .q4_K }
  static var fields: CodeFields { CodeFields(4, .nibbles(at: 16, bytes: 32)) }
}

enum Q5_KCodes: BlockCoding {
  static var type: ElementType { .q5_K }
  static var fields: CodeFields { CodeFields(5, .nibbles(at: 48, bytes: 32), .bits(at: 16)) }
}

enum Q6_KCodes: BlockCoding {
  static var type: ElementType { .q6_K }
  static var fields: CodeFields { CodeFields(6, .nibbles(at: 0, bytes: 64), .pairs(at: 128)) }
}

enum IQ4_XSCodes: BlockCoding {
  static var type: ElementType { .iq4_XS }
  static var fields: CodeFields { CodeFields(8, .nibbles(at: 8, bytes: 16), meaning: .table) }
}
