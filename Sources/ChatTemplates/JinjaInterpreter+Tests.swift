extension JinjaInterpreter {
  /// `value is name(arguments)`
  mutating func test(
    _ name: String, _ value: JinjaValue, _ arguments: [JinjaValue]
  ) throws(ChatTemplateError) -> Bool {
    try step()
    if case .string(let text) = value, name == "upper" || name == "lower" {
      try charge(text.utf8.count, times: 4)
    }
    if let result = testKind(name, value) { return result }
    let comparisons: [String: JinjaComparison] = [
      "eq": .equal, "equalto": .equal, "==": .equal, "sameas": .equal, "ne": .unequal,
      "!=": .unequal, "lt": .less, "<": .less, "lessthan": .less, "le": .lessOrEqual,
      "<=": .lessOrEqual, "gt": .greater, ">": .greater, "greaterthan": .greater,
      "ge": .greaterOrEqual, ">=": .greaterOrEqual, "in": .contained,
    ]
    if let comparison = comparisons[name], let other = arguments.first {
      return try holds(comparison, value, other)
    }
    guard let number = value.wholeNumber else {
      throw error("the test \"\(name)\" is unknown, or does not work on \(value.kind)")
    }
    switch name {
    case "odd": return number & 1 == 1
    case "even": return number & 1 == 0
    case "divisibleby":
      guard let divisor = arguments.first?.wholeNumber, divisor != 0 else {
        throw error("\"divisibleby\" needs a number other than 0")
      }
      return divisor == -1 || number % divisor == 0
    default: throw error("the test \"\(name)\" is unknown or not supported")
    }
  }

  /// Tests that only look at what a value is; nil for other tests.
  private func testKind(_ name: String, _ value: JinjaValue) -> Bool? {
    switch (name, value) {
    case ("defined", _): return !value.isUndefined
    case ("undefined", _): return value.isUndefined
    case ("none", .none), ("string", .string), ("mapping", .dictionary), ("boolean", .bool),
      ("integer", .int), ("float", .double), ("callable", .macro), ("true", .bool(true)),
      ("false", .bool(false)):
      return true
    case ("number", .int), ("number", .double), ("number", .bool): return true
    case ("iterable", .string), ("iterable", .list), ("iterable", .dictionary),
      ("iterable", .undefined), ("sequence", .string), ("sequence", .list),
      ("sequence", .dictionary), ("sequence", .undefined):
      return true
    case ("upper", .string(let text)):
      return text == text.uppercased() && text != text.lowercased()
    case ("lower", .string(let text)):
      return text == text.lowercased() && text != text.uppercased()
    case ("none", _), ("string", _), ("mapping", _), ("boolean", _), ("integer", _), ("float", _),
      ("callable", _), ("true", _), ("false", _), ("number", _), ("iterable", _), ("sequence", _):
      return false
    default: return nil
    }
  }
}
