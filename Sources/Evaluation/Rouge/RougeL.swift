/// ROUGE-L as Google's package `rouge-score` computes it with stemming (Lin 2004).
package enum RougeL {
  /// The harmonic mean of recall and precision of the longest common subsequence of stems.
  package static func fMeasure(of text: String, against reference: String) -> Double {
    let (own, other) = (stems(of: text), stems(of: reference))
    guard !own.isEmpty, !other.isEmpty else { return 0 }
    let length = Double(longestCommonSubsequence(own, other))
    let (precision, recall) = (length / Double(own.count), length / Double(other.count))
    return precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0
  }

  /// Runs of ASCII letters and digits of the text in small letters; the longer ones stemmed.
  package static func stems(of text: String) -> [[UInt8]] {
    text.lowercased().utf8.split { !isWord($0) }.map {
      $0.count > 3 ? PorterStemmer.stem(Array($0)) : Array($0)
    }
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte)
  }

  /// A row of the table at a time.
  private static func longestCommonSubsequence(_ one: [[UInt8]], _ other: [[UInt8]]) -> Int {
    var row = [Int](repeating: 0, count: other.count + 1)
    for word in one {
      var diagonal = 0
      for (index, candidate) in other.enumerated() {
        let above = row[index + 1]
        row[index + 1] = word == candidate ? diagonal + 1 : max(above, row[index])
        diagonal = above
      }
    }
    return row[other.count]
  }
}
