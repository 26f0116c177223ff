import Evaluation
import Foundation
import Testing

@Suite struct StopStringTests {
  /// Everything before the earliest stop string, by searching the whole text.
  static func naive(_ text: String, _ stops: [String]) -> String {
    let starts = stops.compactMap { text.range(of: $0, options: .literal)?.lowerBound }
    return starts.min().map { String(text[..<$0]) } ?? text
  }

  @Test(arguments: [
    ("hello", ["xyz"]), ("one\n\ntwo", ["\n\n"]), ("aab", ["ab"]), ("aaaab", ["aab"]),
    ("User: hi", ["User:", "Us"]), ("日本語テキスト", ["語テ"]), ("日本日本語", ["日本語"]),
    ("ends with \n", ["\n\n"]), ("", ["a"]), ("abc", [""]), ("abc", []), ("xabcabd", ["abd"]),
  ])
  func anyCutGivesTheSame(text: String, stops: [String]) {
    let expected = Self.naive(text, stops.filter { !$0.isEmpty })
    let characters = Array(text)
    for size in 1...max(1, characters.count) {
      var filter = StopStrings(stops)
      var output = ""
      for start in stride(from: 0, to: characters.count, by: size) {
        let chunk = String(characters[start..<min(characters.count, start + size)])
        output += filter.append(chunk)
        // Nothing that was given out may belong to a stop string.
        #expect(expected.utf8.starts(with: output.utf8))
      }
      #expect(filter.isMatched == (expected.utf8.count < text.utf8.count))
      output += filter.finish()
      #expect(output == expected)
    }
  }

  @Test func nothingIsHeldWithoutNeed() {
    var filter = StopStrings(["END"])
    #expect(filter.append("text ") == "text ")
    #expect(filter.append("E") == "")
    #expect(filter.append("x") == "Ex")
  }
}
