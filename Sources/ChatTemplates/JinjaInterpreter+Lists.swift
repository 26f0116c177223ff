extension JinjaInterpreter {
  mutating func apply(
    listFilter name: String, to value: JinjaValue, _ arguments: Arguments
  ) throws(ChatTemplateError) -> JinjaValue {
    if name == "dictsort" { return try sortedByKey(value) }
    if name == "reverse", case .string(let text) = value {
      try charge(text.utf8.count)
      return try produced(String(String.UnicodeScalarView(text.unicodeScalars.reversed())))
    }
    let elements = try elements(of: value)
    switch name {
    case "first": return elements.first ?? .undefined("the first of nothing")
    case "last": return elements.last ?? .undefined("the last of nothing")
    case "list": return .list(elements)
    case "reverse": return .list(elements.reversed())
    case "join": return try join(elements, arguments)
    case "sort":
      let sorted = try sort(elements, arguments)
      return .list(arguments[0, "reverse"]?.isTrue == true ? sorted.reversed() : sorted)
    case "unique": return .list(try unique(elements, arguments))
    case "sum":
      var sum = JinjaValue.int(0)
      for element in elements { sum = try calculate(.add, sum, element) }
      return sum
    case "min", "max":
      let sorted = try sort(elements, Arguments())
      return (name == "min" ? sorted.first : sorted.last) ?? .undefined("the \(name) of nothing")
    case "map": return .list(try map(elements, arguments))
    default: return .list(try select(elements, name, arguments))
    }
  }

  private mutating func join(
    _ elements: [JinjaValue], _ arguments: Arguments
  ) throws(ChatTemplateError) -> JinjaValue {
    let separator = try text(of: arguments[0, "d"] ?? .string(""))
    var texts: [String] = []
    for element in elements {
      try charge(texts: 1, bytes: separator.utf8.count)
      if case .string(let path)? = arguments[1, "attribute"] {
        texts.append(try text(of: try member(path, of: element)))
      } else {
        texts.append(try text(of: element))
      }
    }
    return .string(texts.joined(separator: separator))
  }

  /// Texts sort without regard to case, as Jinja does by default.
  private mutating func sort(
    _ elements: [JinjaValue], _ arguments: Arguments
  ) throws(ChatTemplateError) -> [JinjaValue] {
    // Every element is compared about log2(count) times.
    let comparisons = Int.bitWidth - elements.count.leadingZeroBitCount
    var keyed: [(key: JinjaValue, value: JinjaValue)] = []
    for element in elements {
      var key = element
      if case .string(let path)? = arguments[2, "attribute"] { key = try member(path, of: element) }
      if case .string(let text) = key {
        try charge(JinjaValue.sizeOfText + text.utf8.count, times: comparisons)
        if arguments[1, "case_sensitive"]?.isTrue != true { key = .string(text.lowercased()) }
      }
      try charge(elements: comparisons)
      keyed.append((key, element))
    }
    // Typed throws do not pass through `sort(by:)`: find out first whether all pairs have an order.
    for (one, next) in zip(keyed, keyed.dropFirst()) { _ = try precedes(one.key, next.key) }
    let interpreter = self
    keyed.sort { (try? interpreter.precedes($0.key, $1.key)) ?? false }
    return keyed.map(\.value)
  }

  private mutating func sortedByKey(_ value: JinjaValue) throws(ChatTemplateError) -> JinjaValue {
    guard case .dictionary(let members) = value else {
      throw error("dictsort needs a dictionary, not \(value.kind)")
    }
    let comparisons = Int.bitWidth - members.count.leadingZeroBitCount
    var keyed: [(key: String, member: JinjaValue.Member)] = []
    for member in members {
      try charge(JinjaValue.sizeOfText + member.key.utf8.count, times: comparisons)
      try charge(elements: 4)
      keyed.append((member.key.lowercased(), member))
    }
    keyed.sort { $0.key.unicodeScalars.lexicographicallyPrecedes($1.key.unicodeScalars) }
    return .list(keyed.map { .list([.string($0.member.key), $0.member.value]) })
  }

  private mutating func unique(
    _ elements: [JinjaValue], _ arguments: Arguments
  ) throws(ChatTemplateError) -> [JinjaValue] {
    var kept: [JinjaValue] = []
    var keys: [JinjaValue] = []
    outer: for element in elements {
      var key = element
      if case .string(let text) = element {
        try charge(text.utf8.count)
        key = .string(text.lowercased())
      }
      for known in keys where try equal(known, key) { continue outer }
      try charge(elements: 2)
      keys.append(key)
      kept.append(element)
    }
    return kept
  }

  private mutating func map(
    _ elements: [JinjaValue], _ arguments: Arguments
  ) throws(ChatTemplateError) -> [JinjaValue] {
    var results: [JinjaValue] = []
    if case .string(let path)? = arguments.named.first(where: { $0.name == "attribute" })?.value {
      let fallback = arguments.named.first { $0.name == "default" }?.value
      for element in elements {
        let value = try member(path, of: element)
        results.append(value.isUndefined ? fallback ?? value : value)
      }
      return results
    }
    guard case .string(let filter)? = arguments.positional.first else {
      throw error("map needs a filter or an attribute")
    }
    let rest = Arguments(
      positional: Array(arguments.positional.dropFirst()), named: arguments.named)
    for element in elements { results.append(try apply(filter: filter, to: element, rest)) }
    return results
  }

  /// select, reject, selectattr, rejectattr.
  private mutating func select(
    _ elements: [JinjaValue], _ name: String, _ arguments: Arguments
  ) throws(ChatTemplateError) -> [JinjaValue] {
    var rest = arguments.positional[...]
    var path: String?
    if name.hasSuffix("attr") {
      guard case .string(let text)? = rest.popFirst() else {
        throw error("\(name) needs an attribute")
      }
      path = text
    }
    var testName: String?
    if let first = rest.popFirst() {
      guard case .string(let text) = first else { throw error("\(name) needs the name of a test") }
      testName = text
    }
    var kept: [JinjaValue] = []
    for element in elements {
      let value = try path.map { path throws(ChatTemplateError) in try member(path, of: element) }
      let candidate = value ?? element
      let holds = try testName.map { name throws(ChatTemplateError) in
        try test(name, candidate, Array(rest))
      }
      if (holds ?? candidate.isTrue) == name.hasPrefix("select") { kept.append(element) }
    }
    return kept
  }
}
