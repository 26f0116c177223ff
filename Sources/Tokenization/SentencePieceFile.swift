/// Reads the fields of a SentencePiece `tokenizer.model` (protocol buffers) that decide ids.
///
/// Field numbers from `sentencepiece_model.proto` of the SentencePiece project. Fields that are not
/// needed are stepped over; no length is believed before it is compared with what is left.
package struct SentencePieceFile {
  package var pieces: [SentencePieceVocabulary.Piece] = []
  package var modelType = 1
  package var treatsSpaceAsSuffix = false
  package var unknownID = 0
  package var bosID = 1
  package var eosID = 2
  package var paddingID = -1
  package var hasCharacterMap = false
  package var addsDummyPrefix = true
  package var removesExtraSpaces = true
  package var escapesSpaces = true

  package init(parsing bytes: [UInt8], source: String) throws(TokenizationError) {
    var message = ProtobufMessage(bytes, source: source)
    while let field = try message.next() {
      switch field.number {
      case 1: pieces.append(try Self.piece(message.inner(field), source))
      case 2: try readTrainer(message.inner(field))
      case 3: try readNormalizer(message.inner(field))
      default: break
      }
    }
    guard !pieces.isEmpty else {
      throw .malformed(source: source, reason: "no pieces; is this a SentencePiece model?")
    }
    try checkSupport(source)
  }

  private func checkSupport(_ source: String) throws(TokenizationError) {
    let kinds = [1: "unigram", 3: "word", 4: "character"]
    guard modelType == 2 else {
      throw .unsupported(
        source: source,
        reason: "SentencePiece \(kinds[modelType] ?? "type \(modelType)") models; only BPE models "
          + "can be used. A tokenizer.json of the same model may help")
    }
    if treatsSpaceAsSuffix || !escapesSpaces {
      throw .unsupported(source: source, reason: "spaces as suffixes or not escaped")
    }
    if hasCharacterMap {
      throw .unsupported(
        source: source,
        reason:
          "a normalizer with a character map (such as nmt_nfkc). A tokenizer.json of the same "
          + "model may help")
    }
  }

  private static func piece(
    _ message: consuming ProtobufMessage, _ source: String
  ) throws(TokenizationError) -> SentencePieceVocabulary.Piece {
    var piece = SentencePieceVocabulary.Piece(text: [], score: 0, kind: .normal)
    while let field = try message.next() {
      switch (field.number, field.value) {
      case (1, .bytes(let range)): piece.text = Array(message.bytes[range])
      case (2, .fixed32(let bits)): piece.score = Float(bitPattern: bits)
      case (3, .varint(let number)):
        guard let kind = SentencePieceVocabulary.Kind(rawValue: Int(truncatingIfNeeded: number))
        else { throw .malformed(source: source, reason: "unknown piece type \(number)") }
        piece.kind = kind
      default: break
      }
    }
    guard String(validating: piece.text, as: UTF8.self) != nil else {
      throw .malformed(source: source, reason: "a piece is not valid UTF-8")
    }
    return piece
  }

  private mutating func readTrainer(
    _ message: consuming ProtobufMessage
  ) throws(TokenizationError) {
    while let field = try message.next() {
      guard case .varint(let raw) = field.value else { continue }
      let number = Int(Int32(truncatingIfNeeded: raw))
      switch field.number {
      case 3: modelType = number
      case 24: treatsSpaceAsSuffix = number != 0
      case 40: unknownID = number
      case 41: bosID = number
      case 42: eosID = number
      case 43: paddingID = number
      default: break
      }
    }
  }

  private mutating func readNormalizer(
    _ message: consuming ProtobufMessage
  ) throws(TokenizationError) {
    while let field = try message.next() {
      switch (field.number, field.value) {
      case (2, .bytes(let range)): hasCharacterMap = !range.isEmpty
      case (3, .varint(let number)): addsDummyPrefix = number != 0
      case (4, .varint(let number)): removesExtraSpaces = number != 0
      case (5, .varint(let number)): escapesSpaces = number != 0
      default: break
      }
    }
  }
}

/// The wire format of protocol buffers: numbered fields one after another.
struct ProtobufMessage {
  enum Value {
    case varint(UInt64)
    case fixed64
    case bytes(Range<Int>)
    case fixed32(UInt32)
  }

  struct Field {
    var number: UInt64
    var value: Value
  }

  let bytes: [UInt8]
  private let source: String
  private var position: Int
  private let end: Int

  init(_ bytes: [UInt8], source: String) {
    self.init(bytes, 0..<bytes.count, source: source)
  }

  private init(_ bytes: [UInt8], _ range: Range<Int>, source: String) {
    self.bytes = bytes
    self.source = source
    position = range.lowerBound
    end = range.upperBound
  }

  /// The message in a field; an error where the field holds none.
  func inner(_ field: Field) throws(TokenizationError) -> ProtobufMessage {
    guard case .bytes(let range) = field.value else {
      throw malformed("field \(field.number) is not a message")
    }
    return ProtobufMessage(bytes, range, source: source)
  }

  mutating func next() throws(TokenizationError) -> Field? {
    guard position < end else { return nil }
    let tag = try varint()
    switch tag & 7 {
    case 0: return Field(number: tag >> 3, value: .varint(try varint()))
    case 1:
      _ = try take(8)
      return Field(number: tag >> 3, value: .fixed64)
    case 2:
      let length = try varint()
      return Field(number: tag >> 3, value: .bytes(try take(Int(exactly: length) ?? .max)))
    case 5:
      let bits = try take(4).reversed().reduce(UInt32(0)) { $0 << 8 | UInt32(bytes[$1]) }
      return Field(number: tag >> 3, value: .fixed32(bits))
    default: throw malformed("unknown wire type \(tag & 7)")
    }
  }

  private mutating func take(_ count: Int) throws(TokenizationError) -> Range<Int> {
    guard count <= end - position else {
      throw malformed("a field reaches beyond the end; the file is truncated or damaged")
    }
    defer { position += count }
    return position..<(position + count)
  }

  private mutating func varint() throws(TokenizationError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 64, by: 7) {
      let byte = bytes[try take(1).lowerBound]
      value |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return value }
    }
    throw malformed("a number of more than 64 bits")
  }

  private func malformed(_ reason: String) -> TokenizationError {
    .malformed(source: source, reason: "\(reason) (at byte \(position))")
  }
}
