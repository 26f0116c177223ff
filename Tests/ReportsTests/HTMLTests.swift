import Reports
import Testing

@Suite struct HTMLTests {
  @Test func interpolatedTextIsEscaped() {
    let hostile = "<script>alert(1)</script>\u{1b}[31m&\"'"
    let html: HTML = "<p title=\"\(hostile)\">\(hostile)</p>"
    let text = "&lt;script&gt;alert(1)&lt;/script&gt;\u{241B}[31m&amp;&quot;&#39;"
    #expect(html.text == "<p title=\"\(text)\">\(text)</p>")
    let outer: HTML = "<div>\(html)</div>"
    #expect(outer.text == "<div>\(html.text)</div>")
  }
}
