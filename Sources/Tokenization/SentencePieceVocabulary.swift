/// A SentencePiece BPE vocabulary, from a `tokenizer.model` or from GGUF metadata.
package struct SentencePieceVocabulary {
  /// Numbers as in `sentencepiece_model.proto`, which GGUF shares.
  package enum Kind: Int, Sendable {
    case normal = 1
    case unknown, control, userDefined, unused, byte
  }

  package struct Piece {
    package var text: [UInt8]
    package var score: Float
    package var kind: Kind
  }

  var pieces: [Piece]
  var unknownID: Int32?
  var addsDummyPrefix = true
  /// The dummy prefix goes in front of the whole text only, not after special tokens too.
  var prefixOnlyAtStart = false
  var removesExtraSpaces = false

  /// Pieces are words; finding their parts takes time quadratic in the length.
  static let longestPiece = 256

  func definition(source: String) throws(TokenizationError) -> TokenizerDefinition {
    var model = BytePairModel(
      alphabet: .sentencePiece, vocabularySize: pieces.count,
      pieces: ByteTable(minimumCapacity: pieces.count * 2), merges: MergeTable())
    model.unknownID = unknownID
    model.fusesUnknown = true
    for (index, piece) in pieces.enumerated() {
      let id = Int32(index)
      switch piece.kind {
      case .normal: model.pieces.insert(piece.text, value: id)
      case .unused:
        model.pieces.insert(piece.text, value: id)
        model.unused.insert(id)
      case .byte:
        guard let byte = TokenizerJSON.fallbackByte(piece.text) else {
          throw .malformed(source: source, reason: "byte piece \(index) is not of the form <0x0A>")
        }
        model.byteIDs[Int(byte)] = id
      case .unknown, .control, .userDefined: break
      }
    }
    let crossing = try addMerges(to: &model, source: source)
    var definition = TokenizerDefinition(model: model, entries: entries())
    definition.unknownID = unknownID
    definition.addedTokens = addedTokens()
    definition.normalizer = normalizer
    definition.leadingSpaces = removesExtraSpaces ? .max : addsDummyPrefix ? 1 : 0
    if !crossing, model.pieces.value(of: TokenizerJSON.marker) != nil {
      definition.preTokenizer.steps = [.beforeMarker(TokenizerJSON.marker)]
    }
    return definition
  }

  private var normalizer: Normalizer {
    var steps: [Normalizer.Step] = removesExtraSpaces ? [.collapseSpaces] : []
    if addsDummyPrefix { steps.append(.prepend([0x20], onlyAtStart: prefixOnlyAtStart)) }
    return Normalizer(steps: steps + [.replace([0x20], with: TokenizerJSON.marker)])
  }

  private func entries() -> [(id: Int, bytes: [UInt8])] {
    pieces.enumerated().map { id, piece in
      if piece.kind == .byte, let byte = TokenizerJSON.fallbackByte(piece.text) {
        return (id, [byte])
      }
      return (id, piece.text.replacing(bytes: TokenizerJSON.marker, with: [0x20]))
    }
  }

  private func addedTokens() -> [AddedToken] {
    pieces.enumerated().compactMap { index, piece in
      switch piece.kind {
      case .control, .unknown: AddedToken(id: Int32(index), content: piece.text)
      case .userDefined:
        AddedToken(
          id: Int32(index),
          content: piece.text.replacing(bytes: TokenizerJSON.marker, with: [0x20]),
          isSpecial: false)
      default: nil
      }
    }
  }
}

extension SentencePieceVocabulary {
  /// SentencePiece merges any two neighbours whose union is a piece, the highest score first: here
  /// every way to cut a piece in two becomes a merge with the rank of the piece's score.
  ///
  /// Returns whether a merge joins a word and a following space marker.
  private func addMerges(
    to model: inout BytePairModel, source: String
  ) throws(TokenizationError) -> Bool {
    let ranks = try scoreRanks(source: source)
    nameCharacters(in: &model)
    model.merges = MergeTable(minimumCapacity: pieces.count * 2)
    var crossing = false
    for (id, piece) in pieces.enumerated() where piece.kind == .normal || piece.kind == .unused {
      guard piece.text.count <= Self.longestPiece else {
        throw .unsupported(
          source: source,
          reason: "piece \(id) is \(piece.text.count) bytes long (limit \(Self.longestPiece))")
      }
      guard model.pieces.value(of: piece.text) == Int32(id), let rank = ranks[piece.score] else {
        continue
      }
      let merge = MergeTable.Merge(rank: rank, result: Int32(id))
      var cut = piece.text.isEmpty ? 0 : piece.text.scalar(at: 0).length
      while cut < piece.text.count {
        if let left = model.pieces.value(of: piece.text, 0..<cut),
          let right = model.pieces.value(of: piece.text, cut..<piece.text.count)
        {
          model.merges.insert(left, right, merge)
          crossing =
            crossing
            || TokenizerJSON.crossesWord(Array(piece.text[..<cut]), Array(piece.text[cut...]))
        }
        cut += piece.text.scalar(at: cut).length
      }
    }
    return crossing
  }

  /// Equal scores have equal ranks: the leftmost pair goes first.
  private func scoreRanks(source: String) throws(TokenizationError) -> [Float: Int32] {
    guard pieces.allSatisfy({ $0.score.isFinite }) else {
      throw .malformed(source: source, reason: "a piece's score is not a finite number")
    }
    let scores = Set(pieces.map(\.score)).sorted(by: >)
    return Dictionary(uniqueKeysWithValues: zip(scores, Int32(0)...))
  }

  /// Ids beyond the vocabulary for characters that occur in pieces but are none themselves.
  private func nameCharacters(in model: inout BytePairModel) {
    var next = Int32(pieces.count)
    for piece in pieces where piece.kind == .normal || piece.kind == .unused {
      var index = 0
      while index < piece.text.count {
        let end = index + piece.text.scalar(at: index).length
        if model.pieces.insert(piece.text, index..<end, value: next) { next += 1 }
        index = end
      }
    }
  }
}
