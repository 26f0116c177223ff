/// Finds at each place of a text the longest added token that begins there.
///
/// An automaton after Aho and Corasick over the reversed tokens, which reads the text from its end:
/// time is linear in the text, however many tokens there are and however long they are.
struct AddedTokenAutomaton: Sendable {
  /// A trie as arrays by node; node 0 is the root, and 0 also says "none".
  private var labels: [UInt8] = [0]
  private var firstChild: [Int32] = [0]
  private var sibling: [Int32] = [0]
  /// The node of the longest proper suffix that is in the trie.
  private var failure: [Int32] = [0]
  /// The longest token that ends at a node, of all and of those that are not special; -1 for none.
  private var longest: [Int32] = [-1]
  private var longestPlain: [Int32] = [-1]
  private var childOfRoot = [Int32](repeating: 0, count: 256)

  struct Match {
    var position: Int32
    /// Index among the tokens.
    var token: Int32
  }

  /// Of tokens with the same content the first counts; empty ones match nowhere.
  init(_ tokens: [AddedToken]) {
    for (index, token) in tokens.enumerated() where !token.content.isEmpty {
      var node: Int32 = 0
      for byte in token.content.reversed() { node = childOrNew(of: node, byte) }
      guard longest[Int(node)] < 0 else { continue }
      longest[Int(node)] = Int32(index)
      if !token.isSpecial { longestPlain[Int(node)] = Int32(index) }
    }
    linkFailures()
  }

  /// All matches, the last in the text first.
  func matches(in text: [UInt8], includingSpecial: Bool) -> [Match] {
    let tokens = includingSpecial ? longest : longestPlain
    var matches: [Match] = []
    var node: Int32 = 0
    for position in text.indices.reversed() {
      node = next(after: node, text[position])
      let token = tokens[Int(node)]
      if token >= 0 { matches.append(Match(position: Int32(position), token: token)) }
    }
    return matches
  }
}

extension AddedTokenAutomaton {
  private func child(of node: Int32, _ byte: UInt8) -> Int32 {
    if node == 0 { return childOfRoot[Int(byte)] }
    var child = firstChild[Int(node)]
    while child != 0, labels[Int(child)] != byte { child = sibling[Int(child)] }
    return child
  }

  private func next(after node: Int32, _ byte: UInt8) -> Int32 {
    var node = node
    while node != 0 {
      let child = child(of: node, byte)
      if child != 0 { return child }
      node = failure[Int(node)]
    }
    return childOfRoot[Int(byte)]
  }

  private mutating func childOrNew(of node: Int32, _ byte: UInt8) -> Int32 {
    let known = child(of: node, byte)
    if known != 0 { return known }
    let new = Int32(labels.count)
    labels.append(byte)
    firstChild.append(0)
    sibling.append(firstChild[Int(node)])
    failure.append(0)
    longest.append(-1)
    longestPlain.append(-1)
    firstChild[Int(node)] = new
    if node == 0 { childOfRoot[Int(byte)] = new }
    return new
  }

  /// Breadth first, so that a node's failure is known before those of its children.
  private mutating func linkFailures() {
    var queue: [Int32] = [0]
    var index = 0
    while index < queue.count {
      let node = queue[index]
      index += 1
      var child = firstChild[Int(node)]
      while child != 0 {
        if node != 0 {
          failure[Int(child)] = next(after: failure[Int(node)], labels[Int(child)])
        }
        inheritTokens(Int(child))
        queue.append(child)
        child = sibling[Int(child)]
      }
    }
  }

  private mutating func inheritTokens(_ node: Int) {
    let shorter = Int(failure[node])
    if longest[node] < 0 { longest[node] = longest[shorter] }
    if longestPlain[node] < 0 { longestPlain[node] = longestPlain[shorter] }
  }
}
