package import Foundation
package import RunHistory

/// One page on one or several runs, in itself: no scripts, nothing from elsewhere.
package struct Report: Sendable {
  package struct Run: Sendable {
    package var record: RunRecord
    package var findings: RunFindings
    /// Tells it apart from the others of its page.
    package internal(set) var name: String

    package init(_ record: RunRecord, _ findings: RunFindings = .init()) {
      (self.record, self.findings, name) = (record, findings, record.name)
    }
  }

  package private(set) var runs: [Run]
  /// When the page was made; states and ages are of that moment.
  package var time: Date
  /// The program that made it, such as `peqa 0.1.0`.
  package var maker: String

  /// At least one run.
  package init(_ runs: [Run], time: Date = Date(), maker: String) {
    precondition(!runs.isEmpty, "a report is of runs")
    (self.runs, self.time, self.maker) = (runs, time, maker)
    for (index, name) in RunNames.distinct(runs.map(\.record.folder)).enumerated() {
      self.runs[index].name = name
    }
  }

  /// The whole document.
  package var text: String {
    let title = runs.count == 1 ? runs[0].name : "\(runs.count) runs"
    let body =
      runs.count == 1 ? RunPage(runs[0], time: time).html : ComparisonPage(runs, time: time).html
    let page: HTML = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy" \
      content="default-src 'none'; style-src 'unsafe-inline'">
      <meta name="color-scheme" content="light dark">
      <title>\(title) - peqa</title>
      <style>
      \(HTML(markup: PageStyle.text))
      </style>
      </head>
      <body>
      <main>
      \(body)
      </main>
      <footer>Made by \(maker), \(Figures.time(time)). This page needs nothing but itself.</footer>
      </body>
      </html>

      """
    return page.text
  }
}
