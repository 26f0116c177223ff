internal import DecoderModel

extension ConfigKind where Value == [String] {
  /// Patterns of `TargetModules`: a list, or one text with commas, which suits a command line.
  static var modules: ConfigKind {
    let words = ConfigKind.words(
      "all-linear, or a list of patterns such as q_proj or layers.0-3.mlp")
    return ConfigKind(words.type) { node, location in
      guard case .success(let texts) = words.read(node, location) else { return nil }
      let patterns = texts.flatMap { text in
        text.split(separator: ",", omittingEmptySubsequences: false).map { trimmed($0) }
      }
      guard !patterns.isEmpty, !patterns.contains("") else { return nil }
      return patterns == ["all"] ? TargetModules.all.patterns : patterns
    } show: {
      words.show($0)
    }
  }
}

private func trimmed(_ text: Substring) -> String {
  let end = text.lastIndex { $0 != " " }.map(text.index(after:)) ?? text.startIndex
  return String(text[..<end].drop { $0 == " " })
}
