/// Finds the answers of a long conversation without rendering it once for each of them.
///
/// Where an answer begins and ends is a place in the gaps around its words (`MarkedLayout`), and
/// answers between equal gaps have it at the same distance from the words around. So the definition
/// (`ConversationRenderer.answer`) is asked for the first answer between each pair of gaps, and the
/// others take its distances. To be sure, it is asked again for the second, third, fifth, ninth,
/// and so on, such answer and for the last one. Nil where anything does not fit: then the
/// definition is asked for every answer.
struct AnswerBoundaries {
  /// Conversations with no more answers are rendered for each of them.
  static let mostRendered = 16

  private let layout: MarkedLayout
  private var known: [Surroundings: Known] = [:]

  /// What stands before and after the words of an answer.
  private struct Surroundings: Hashable {
    var before: [UInt8]
    var after: [UInt8]
  }

  private struct Known {
    /// Bytes from the end of the words before to where the answer begins.
    var start: Int
    /// Bytes from the end of the answer's words to where the answer ends.
    var end: Int
    var uses = 1
  }

  init(_ layout: MarkedLayout) { self.layout = layout }

  func answers(
    _ indices: [Int], in whole: [UInt8], _ renderer: inout ConversationRenderer
  ) throws(ChatTemplateError) -> [Range<Int>]? {
    var boundaries = self
    var answers: [Range<Int>] = []
    for index in indices {
      let position = answers.last?.upperBound ?? 0
      guard
        let answer = try boundaries.answer(
          index, isLast: index == indices.last, in: whole, after: position, &renderer)
      else { return nil }
      answers.append(answer)
    }
    return answers
  }

  private mutating func answer(
    _ index: Int, isLast: Bool, in whole: [UInt8], after position: Int,
    _ renderer: inout ConversationRenderer
  ) throws(ChatTemplateError) -> Range<Int>? {
    let around = Surroundings(before: layout.gaps[index], after: layout.gaps[index + 1])
    let before = index > 0 ? layout.words[index - 1].upperBound : 0
    let end = layout.words[index].upperBound
    let uses = known[around]?.uses ?? 0
    let expected = known[around].map { (before + $0.start)..<(end + $0.end) }
    known[around]?.uses += 1
    if let expected, !isLast, uses & (uses - 1) != 0 {
      return expected.lowerBound >= position ? expected : nil
    }
    let answer = try renderer.answer(index, in: whole, after: position)
    if let expected { return expected == answer ? answer : nil }
    let found = Known(start: answer.lowerBound - before, end: answer.upperBound - end)
    guard (0...around.before.count).contains(found.start),
      (0...around.after.count).contains(found.end)
    else { return nil }
    known[around] = found
    return answer
  }
}
