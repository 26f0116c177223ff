/// Where the words of each message stand in a rendered conversation.
///
/// Found by rendering once more, with a mark in place of each message's words: the text between the
/// marks is what the template adds. Nil where that does not explain the conversation exactly, byte
/// for byte: where a template rewrites words, repeats them or leaves them out.
struct MarkedLayout {
  /// What the template puts before message `i`; the last one stands after the last message.
  let gaps: [[UInt8]]
  /// Where the words of message `i` stand, as the template has trimmed them.
  let words: [Range<Int>]

  /// Private-use characters, other than those of `TemplateChatEncoder`.
  private static let open = Array("\u{10FFF2}".utf8)
  private static let close = Array("\u{10FFF3}".utf8)

  init?(_ whole: [UInt8], _ renderer: inout ConversationRenderer) throws(ChatTemplateError) {
    let messages = renderer.messages
    guard BytePattern(Self.open).firstIndex(in: whole) == nil else { return nil }
    let marked = messages.indices.map { index in
      ChatMessage(role: messages[index].role, content: "\u{10FFF2}\(index)\u{10FFF3}")
    }
    guard let gaps = Self.gaps(try renderer.render(marked, prompt: false), marked),
      let words = Self.words(messages, between: gaps, in: whole)
    else { return nil }
    (self.gaps, self.words) = (gaps, words)
  }

  /// The text around the marks, which must come once each and in order.
  private static func gaps(_ rendered: [UInt8], _ marked: [ChatMessage]) -> [[UInt8]]? {
    var gaps: [[UInt8]] = []
    var position = 0
    for message in marked {
      let mark = BytePattern(message.content.bytes)
      guard let start = mark.firstIndex(in: rendered, from: position) else { return nil }
      gaps.append(Array(rendered[position..<start]))
      position = start + mark.bytes.count
    }
    gaps.append(Array(rendered[position...]))
    let hasMarks = gaps.contains { BytePattern(open).firstIndex(in: $0) != nil }
    return hasMarks ? nil : gaps
  }

  /// Reads `whole` as gap, words, gap, ... to its end; words may have lost white space at an end.
  private static func words(
    _ messages: [ChatMessage], between gaps: [[UInt8]], in whole: [UInt8]
  ) -> [Range<Int>]? {
    guard whole.starts(with: gaps[0]) else { return nil }
    var words: [Range<Int>] = []
    var position = gaps[0].count
    for (message, gap) in zip(messages, gaps.dropFirst()) {
      let content = message.content
      let forms = [
        content, content.stripped(of: nil), content.stripped(of: nil, right: false),
        content.stripped(of: nil, left: false),
      ].map(\.bytes)
      guard
        let form = forms.first(where: {
          whole.contains($0, at: position) && whole.contains(gap, at: position + $0.count)
        })
      else { return nil }
      words.append(position..<(position + form.count))
      position += form.count + gap.count
    }
    return position == whole.count ? words : nil
  }
}
