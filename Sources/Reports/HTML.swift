/// A piece of HTML, written as a string literal: what is interpolated is escaped, unless it is
/// `HTML` itself.
///
/// So nothing that came from a file can become markup by being forgotten: text is escaped where it
/// enters. Good between tags and in quoted attributes, not in styles or names of tags.
package struct HTML: Sendable, Equatable, ExpressibleByStringInterpolation {
  package var text: String

  package init(stringLiteral text: String) { self.text = text }
  package init(stringInterpolation parts: Parts) { text = parts.text }

  /// Markup that was put together otherwise.
  init(markup: String) { text = markup }

  package struct Parts: StringInterpolationProtocol {
    fileprivate var text = ""

    package init(literalCapacity: Int, interpolationCount: Int) {
      text.reserveCapacity(literalCapacity)
    }

    package mutating func appendLiteral(_ literal: String) { text += literal }
    package mutating func appendInterpolation(_ html: HTML) { text += html.text }
    package mutating func appendInterpolation(_ string: String) { text += HTML.escaped(string) }
    package mutating func appendInterpolation(_ number: Int) { text += String(number) }
  }

  /// Text as it stands in HTML. Control characters, which HTML has no way to write, are shown by
  /// their pictures (U+2400 and up).
  package static func escaped(_ text: String) -> String {
    var escaped = ""
    escaped.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      case "\n", "\t": escaped.unicodeScalars.append(scalar)
      case "\u{00}"..."\u{1F}":
        escaped.unicodeScalars.append(UnicodeScalar(0x2400 + scalar.value) ?? "\u{FFFD}")
      case "\u{7F}": escaped += "\u{2421}"
      case "\u{80}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": escaped += "\u{FFFD}"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }
}

extension Sequence<HTML> {
  /// One piece after the other.
  package func joined(_ separator: String = "\n") -> HTML {
    HTML(markup: map(\.text).joined(separator: separator))
  }
}

extension HTML? {
  /// Nothing where there is none.
  var orNothing: HTML { self ?? "" }
}
