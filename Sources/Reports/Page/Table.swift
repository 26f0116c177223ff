internal import RunHistory

/// Rows of cells; on narrow screens it scrolls in itself.
struct Table {
  enum Alignment { case left, right }

  var columns: [(heading: HTML, alignment: Alignment)]
  var rows: [[HTML]]

  var html: HTML {
    let head = columns.map {
      "<th scope=\"col\"\(Self.side($0.alignment))>\($0.heading)</th>" as HTML
    }
    let body = rows.map { cells -> HTML in
      let parts = zip(columns, cells).map { column, cell -> HTML in
        "<td\(Self.side(column.alignment))>\(cell)</td>"
      }
      return "<tr>\(parts.joined(""))</tr>"
    }
    return """
      <div class="scroll"><table>
      <thead><tr>\(head.joined(""))</tr></thead>
      <tbody>
      \(body.joined())
      </tbody>
      </table></div>
      """
  }

  private static func side(_ alignment: Alignment) -> HTML {
    alignment == .right ? " class=\"n\"" : ""
  }
}

/// Parts that pages are made of.
enum Block {
  /// A part of a page under a heading; nothing where it has no content.
  static func section(_ title: String, _ parts: [HTML?], note: String = "") -> HTML? {
    let content = parts.compactMap { $0 }
    guard !content.isEmpty else { return nil }
    let lead: HTML = note.isEmpty ? "" : "<p class=\"note\">\(note)</p>"
    return "<section>\n<h2>\(title)</h2>\n\(lead)\n\(content.joined())\n</section>"
  }

  /// - Parameter isRun: a whole run, which begins a page on paper.
  static func details(
    _ title: String, _ content: HTML, isOpen: Bool = false, isRun: Bool = false
  ) -> HTML {
    """
    <details\(isRun ? " class=\"run\"" as HTML : "")\(isOpen ? " open" as HTML : "")><summary>\(title)</summary>
    \(content)
    </details>
    """
  }

  /// Names with values, one below the other.
  static func facts(_ facts: [(name: String, value: HTML)]) -> HTML {
    let rows = facts.map { "<dt>\($0.name)</dt><dd>\($0.value)</dd>" as HTML }
    return "<dl class=\"facts\">\n\(rows.joined())\n</dl>"
  }

  static func code(_ text: String) -> HTML { "<pre><code>\(text)</code></pre>" }

  /// Many short lines, in columns on paper.
  static func listing(_ text: String) -> HTML { "<pre class=\"long\"><code>\(text)</code></pre>" }

  /// A large figure with what it is.
  static func tile(_ name: String, _ value: HTML, _ more: String) -> HTML {
    """
    <div class="tile"><span class="name">\(name)</span><span class="value">\(value)</span>\
    <span class="more">\(more)</span></div>
    """
  }

  static func badge(_ state: RunState) -> HTML {
    "<span class=\"badge \(state.rawValue)\">\(state.rawValue)</span>"
  }
}
