import Foundation
import JSONText
import Reports
import RunHistory
import TestSupport
import Testing

/// The style sheet of pages: three sets of colours, one for paper.
@Suite struct PageStyleTests {
  private func style() throws -> String {
    let folder = try TemporaryFolder()
    try folder.put("run/run.json", "{}")
    try folder.put("run/metrics.jsonl", "")
    let page = Report([.init(try RunRecord(folder: folder("run")))], maker: "test").text
    let start = try #require(page.firstRange(of: "<style>")?.upperBound)
    let end = try #require(page.firstRange(of: "</style>")?.lowerBound)
    return String(page[start..<end])
  }

  /// A colour that paper lacked would be that of a dark screen there.
  @Test func everySetHasEveryColour() throws {
    let sets = try style().matches(of: /:root\{([^}]*)\}/).map { match in
      match.1.matches(of: /(--[a-z0-9]+):/).map { String($0.1) }
    }
    try #require(sets.count == 3)
    #expect(sets[0].count == 17 && Set(sets[0]).count == 17)
    for set in sets.dropFirst() { #expect(set.sorted() == sets[0].sorted()) }
  }

  /// What is said of paper stands behind all else, and so wins.
  @Test func paperComesLast() throws {
    let style = try style()
    let paper = try #require(style.firstRange(of: "@media print"))
    #expect(!style[paper.upperBound...].contains("@media"))
    let depths = style.reduce(into: [0]) { depths, character in
      let change = character == "{" ? 1 : character == "}" ? -1 : 0
      if change != 0 { depths.append(depths[depths.count - 1] + change) }
    }
    #expect(depths.last == 0 && depths.allSatisfy { (0...2).contains($0) })
  }
}
