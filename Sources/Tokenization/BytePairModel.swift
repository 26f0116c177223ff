/// Byte-pair encoding of one word: symbols merged in pairs, the best-ranked pair first.
///
/// One model serves GPT-2's kind (symbols start as bytes), the `tokenizers` library's character BPE
/// with byte fallback, and SentencePiece BPE, whose scores are ranks in another form.
struct BytePairModel: Sendable {
  enum Alphabet: Sendable {
    /// Words are raw bytes and every byte has a symbol.
    case bytes
    /// Words are characters; those without a symbol are resolved before merging (`tokenizers`).
    case characters
    /// The same after merging, as SentencePiece does it.
    case sentencePiece
  }

  var alphabet: Alphabet
  /// Ids below this are the file's, those from here on stand for characters that have none.
  var vocabularySize: Int
  /// Raw bytes of a piece -> id.
  var pieces: ByteTable
  var merges: MergeTable
  /// Id of each byte value, or -1.
  var byteIDs = [Int32](repeating: -1, count: 256)
  var unknownID: Int32?
  /// Neighbouring unknown characters become one unknown token.
  var fusesUnknown = false
  /// A word that is a vocabulary entry is that entry, whatever the merges say (LLaMA-3).
  var ignoresMerges = false
  /// Pieces that may take part in merges but not in the result (SentencePiece's UNUSED).
  var unused: Set<Int32> = []

  /// Appends the ids of the word `text[range]`.
  func encode(
    _ text: [UInt8], _ range: Range<Int>, into ids: inout [Int32], _ workspace: inout Workspace
  ) {
    if ignoresMerges, let id = pieces.value(of: text, range) {
      ids.append(id)
      return
    }
    workspace.removeAll()
    switch alphabet {
    case .bytes: loadBytes(text, range, &workspace)
    case .characters, .sentencePiece: loadCharacters(text, range, &workspace)
    }
    workspace.link()
    merge(&workspace)
    emit(text, range, into: &ids, workspace)
  }
}

extension BytePairModel {
  private func loadBytes(_ text: [UInt8], _ range: Range<Int>, _ workspace: inout Workspace) {
    for index in range {
      let id = byteIDs[Int(text[index])]
      if id >= 0 { workspace.append(id, at: index) } else { appendUnknown(at: index, &workspace) }
    }
  }

  private func loadCharacters(_ text: [UInt8], _ range: Range<Int>, _ workspace: inout Workspace) {
    var index = range.lowerBound
    while index < range.upperBound {
      let end = index + text.scalar(at: index).length
      if let id = pieces.value(of: text, index..<end) {
        workspace.append(id, at: index)
      } else if alphabet == .sentencePiece {
        workspace.append(Workspace.noSymbol, at: index)
      } else if (index..<end).allSatisfy({ byteIDs[Int(text[$0])] >= 0 }) {
        for byte in index..<end { workspace.append(byteIDs[Int(text[byte])], at: byte) }
      } else {
        appendUnknown(at: index, &workspace)
      }
      index = end
    }
  }

  /// Without an unknown token such characters vanish, as in the reference.
  private func appendUnknown(at index: Int, _ workspace: inout Workspace) {
    guard let unknownID else { return }
    if fusesUnknown, workspace.endsInUnknown { return }
    workspace.append(unknownID, at: index)
    workspace.endsInUnknown = true
  }

  /// O(n log n): candidates wait in a heap, outdated ones are recognised when they come up.
  private func merge(_ workspace: inout Workspace) {
    for position in workspace.symbols.indices.dropLast() { propose(position, &workspace) }
    while let (rank, left) = workspace.popCandidate() {
      let symbol = workspace.symbols[left]
      guard symbol.id >= 0, symbol.next >= 0 else { continue }
      let right = workspace.symbols[Int(symbol.next)]
      guard let merge = merges[symbol.id, right.id], merge.rank == rank else { continue }
      workspace.join(left, into: merge.result)
      if symbol.previous >= 0 { propose(Int(symbol.previous), &workspace) }
      propose(left, &workspace)
    }
  }

  private func propose(_ left: Int, _ workspace: inout Workspace) {
    let symbol = workspace.symbols[left]
    guard symbol.next >= 0 else { return }
    let right = workspace.symbols[Int(symbol.next)].id
    guard let merge = merges[symbol.id, right] else { return }
    if !unused.isEmpty, unused.contains(merge.result) {
      workspace.parts[merge.result] = (symbol.id, right)
    }
    workspace.pushCandidate(rank: merge.rank, at: left)
  }

  private func emit(
    _ text: [UInt8], _ range: Range<Int>, into ids: inout [Int32], _ workspace: Workspace
  ) {
    var position = workspace.symbols.isEmpty ? -1 : 0
    var afterUnknown = false
    while position >= 0 {
      let symbol = workspace.symbols[position]
      if symbol.id >= 0, symbol.id < vocabularySize {
        afterUnknown = false
        emitPiece(symbol.id, into: &ids, workspace)
      } else {
        let end =
          symbol.next >= 0 ? workspace.symbols[Int(symbol.next)].start : range.upperBound
        emitBytes(text, symbol.start..<end, into: &ids, &afterUnknown)
      }
      position = Int(symbol.next)
    }
  }

  private func emitPiece(_ id: Int32, into ids: inout [Int32], _ workspace: Workspace) {
    guard !unused.isEmpty, unused.contains(id), let (left, right) = workspace.parts[id] else {
      if id < vocabularySize { ids.append(id) } else if let unknownID { ids.append(unknownID) }
      return
    }
    emitPiece(left, into: &ids, workspace)
    emitPiece(right, into: &ids, workspace)
  }

  private func emitBytes(
    _ text: [UInt8], _ range: Range<Int>, into ids: inout [Int32], _ afterUnknown: inout Bool
  ) {
    if range.allSatisfy({ byteIDs[Int(text[$0])] >= 0 }) {
      for index in range { ids.append(byteIDs[Int(text[index])]) }
      afterUnknown = false
    } else if let unknownID {
      if !(fusesUnknown && afterUnknown) { ids.append(unknownID) }
      afterUnknown = true
    }
  }
}
