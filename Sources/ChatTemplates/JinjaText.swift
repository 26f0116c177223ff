/// Python's text methods, on code points and bytes.
extension String {
  /// Python's `re.sub`, on code points; `new` stands as it is. Nil where the pattern is none.
  func replacing(pattern: String, with new: String) -> String? {
    guard let regex = try? Regex(pattern) else { return nil }
    return replacing(regex.matchingSemantics(.unicodeScalar), with: new)
  }

  /// Without characters of a set at the ends; white space where the set is nil.
  func stripped(of set: String?, left: Bool = true, right: Bool = true) -> String {
    let characters = set.map { Set($0.unicodeScalars) }
    func goes(_ scalar: Unicode.Scalar) -> Bool {
      characters.map { $0.contains(scalar) } ?? scalar.isPythonSpace
    }
    var view = unicodeScalars[...]
    while left, let first = view.first, goes(first) { view.removeFirst() }
    while right, let last = view.last, goes(last) { view.removeLast() }
    return String(view)
  }

  func hasBytes(atEnd suffix: String) -> Bool {
    utf8.reversed().starts(with: suffix.utf8.reversed())
  }

  var capitalizedFirst: String {
    guard let first = unicodeScalars.first else { return "" }
    return first.properties.titlecaseMapping + String(unicodeScalars.dropFirst()).lowercased()
  }

  /// Every word with a capital, everything else small.
  var titled: String {
    var (result, insideWord) = ("", false)
    for scalar in unicodeScalars {
      let properties = scalar.properties
      result += insideWord ? properties.lowercaseMapping : properties.titlecaseMapping
      insideWord = properties.isCased
    }
    return result
  }

  var lines: [String] {
    var parts = unicodeScalars.split(omittingEmptySubsequences: false) { $0 == "\n" }
    if parts.last?.isEmpty == true { parts.removeLast() }
    return parts.map { part in String(part.last == "\r" ? part.dropLast() : part) }
  }

  /// The number of stretches without white space.
  var wordCount: Int {
    var (count, insideWord) = (0, false)
    for scalar in unicodeScalars {
      let isSpace = scalar.isPythonSpace
      if !isSpace, !insideWord { count += 1 }
      insideWord = !isSpace
    }
    return count
  }

  func isMadeOf(_ condition: (Unicode.Scalar) -> Bool) -> Bool {
    !isEmpty && unicodeScalars.allSatisfy(condition)
  }
}

extension Unicode.Scalar {
  /// What Python's `str.isspace` accepts.
  var isPythonSpace: Bool { properties.isWhitespace || (0x1C...0x1F).contains(value) }
}
