import Evaluation
import Foundation
import Testing

/// Against Google's rouge-score and NLTK (`Fixtures/make_rouge_golden.py`).
@Suite struct RougeTests {
  private struct Golden {
    var stems: [[String]]
    var pairs: [(text: String, reference: String, value: Double)]

    init() throws {
      let url = try #require(
        Bundle.module.url(forResource: "Fixtures/rouge", withExtension: "json"))
      let object = try #require(
        try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
      stems = try #require(object["stems"] as? [[String]])
      let rows = try #require(object["pairs"] as? [[Any]])
      pairs = try rows.map { row in
        (
          try #require(row[0] as? String), try #require(row[1] as? String),
          try #require((row[2] as? NSNumber)?.doubleValue)
        )
      }
    }
  }

  @Test func stemsOfWords() throws {
    let stems = try Golden().stems
    #expect(stems.count > 1000)
    for pair in stems {
      let stem = String(decoding: PorterStemmer.stem(Array(pair[0].utf8)), as: UTF8.self)
      #expect(stem == pair[1], "\(pair[0])")
    }
  }

  @Test func valuesOfTexts() throws {
    let pairs = try Golden().pairs
    #expect(pairs.count > 300)
    for pair in pairs {
      let value = RougeL.fMeasure(of: pair.text, against: pair.reference)
      #expect(abs(value - pair.value) < 1e-9, "\(pair.text) | \(pair.reference)")
    }
  }
}
