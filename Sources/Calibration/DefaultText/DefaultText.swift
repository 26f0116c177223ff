/// What codes are calibrated with where the user gives no text.
///
/// Written for this purpose: articles, reports, prose, answers, code, mathematics, several
/// languages. What it says is invented: it has the statistics of text, not its truth. How codes do
/// that were found with it stands in docs/results/quality.md.
package enum DefaultText {
  package static let name = "built-in text"

  /// Passages with an empty line between. Each kind is spread over the whole, so that sequences
  /// from evenly spread places have something of all.
  package static let text = spread(
    [articles, moreArticles, prose, answers, code, science, languages]
  ).joined(separator: "\n\n")

  /// The members of all lists, each list's at even distances.
  static func spread(_ lists: [[String]]) -> [String] {
    let places = lists.enumerated().flatMap { list, members in
      members.enumerated().map { index, member in
        (place: (Double(index) + 0.5) / Double(members.count), list: list, member: member)
      }
    }
    return places.sorted { ($0.place, $0.list) < ($1.place, $1.list) }.map(\.member)
  }
}
