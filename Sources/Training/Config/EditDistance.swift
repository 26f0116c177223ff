/// Fewest insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`
/// (optimal string alignment).
func editDistance(_ a: String, _ b: String) -> Int {
  let a = Array(a.utf8)
  let b = Array(b.utf8)
  var rows = [Array(0...b.count)]
  for i in 0..<a.count {
    var row = [i + 1]
    for j in 0..<b.count {
      var best = min(rows[i][j + 1] + 1, row[j] + 1, rows[i][j] + (a[i] == b[j] ? 0 : 1))
      if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
        best = min(best, rows[i - 1][j - 1] + 1)
      }
      row.append(best)
    }
    rows.append(row)
  }
  return rows[a.count][b.count]
}

/// ` - did you mean "x"?`, or nothing where no word is near.
package func nearest(to word: String, among words: [String]) -> String {
  let limit = max(2, word.utf8.count / 3)
  // A distance is at least the difference of the lengths: a key of a megabyte costs nothing.
  let similar = words.filter { abs($0.utf8.count - word.utf8.count) <= limit }
  let near = similar.map { (word: $0, distance: editDistance(word, $0)) }.min {
    $0.distance < $1.distance
  }
  guard let near, near.distance <= limit else { return "" }
  return " - did you mean \"\(near.word)\"?"
}
