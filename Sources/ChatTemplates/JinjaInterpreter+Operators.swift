internal import Foundation

extension JinjaInterpreter {
  /// What a loop or a filter goes through: the elements, the keys, or the characters.
  mutating func elements(of value: JinjaValue) throws(ChatTemplateError) -> [JinjaValue] {
    switch value {
    case .undefined: return []
    case .list(let elements):
      try charge(elements: elements.count)
      return elements
    case .dictionary(let members):
      try charge(elements: members.count)
      return members.map { .string($0.key) }
    case .string(let string):
      try charge(elements: string.utf8.count)
      return string.unicodeScalars.map { .string(String(Character($0))) }
    default: throw error("\(value.kind) cannot be gone through")
    }
  }

  mutating func holds(
    _ comparison: JinjaComparison, _ left: JinjaValue, _ right: JinjaValue
  ) throws(ChatTemplateError) -> Bool {
    if case .string(let left) = left, case .string(let right) = right {
      try charge(min(left.utf8.count, right.utf8.count))
    }
    return switch comparison {
    case .equal: try equal(left, right)
    case .unequal: !(try equal(left, right))
    case .contained: try contains(left, in: right)
    case .notContained: !(try contains(left, in: right))
    case .less: try precedes(left, right)
    case .greater: try precedes(right, left)
    case .lessOrEqual: !(try precedes(right, left))
    case .greaterOrEqual: !(try precedes(left, right))
    }
  }

  /// Python's `==`. Texts compare by their code points, never by canonical equivalence.
  mutating func equal(
    _ left: JinjaValue, _ right: JinjaValue, level: Int = 0
  ) throws(ChatTemplateError) -> Bool {
    guard level <= Self.maximumLevel else { throw error("a value is nested too deeply") }
    try charge(elements: 1)
    switch (left, right) {
    case (.undefined, .undefined), (.none, .none): return true
    case (.string(let left), .string(let right)):
      try charge(min(left.utf8.count, right.utf8.count))
      return left.utf8.elementsEqual(right.utf8)
    case (.list(let left), .list(let right)):
      guard left.count == right.count else { return false }
      for (one, other) in zip(left, right) where !(try equal(one, other, level: level + 1)) {
        return false
      }
      return true
    case (.dictionary(let left), .dictionary(let right)):
      guard left.count == right.count else { return false }
      for member in left {
        guard let other = try value(of: member.key, in: right),
          try equal(member.value, other, level: level + 1)
        else { return false }
      }
      return true
    case (.namespace(let left), .namespace(let right)): return left == right
    default:
      if let left = left.wholeNumber, let right = right.wholeNumber { return left == right }
      if let left = left.number, let right = right.number { return left == right }
      return false
    }
  }

  /// Python's `<`.
  func precedes(_ left: JinjaValue, _ right: JinjaValue) throws(ChatTemplateError) -> Bool {
    if let left = left.wholeNumber, let right = right.wholeNumber { return left < right }
    if let left = left.number, let right = right.number { return left < right }
    guard case .string(let left) = left, case .string(let right) = right else {
      throw error("\(left.kind) and \(right.kind) have no order")
    }
    return left.unicodeScalars.lexicographicallyPrecedes(right.unicodeScalars)
  }

  private mutating func contains(
    _ element: JinjaValue, in container: JinjaValue
  ) throws(ChatTemplateError) -> Bool {
    switch (container, element) {
    case (.string(let text), .string(let part)):
      try charge(text.utf8.count)
      if part.isEmpty { return true }
      return try pattern(part).firstIndex(in: text.bytes) != nil
    case (.dictionary(let members), .string(let key)):
      return try value(of: key, in: members) != nil
    case (.dictionary, _): return false
    default:
      for candidate in try elements(of: container) where try equal(candidate, element) {
        return true
      }
      return false
    }
  }

  mutating func calculate(
    _ symbol: JinjaOperator, _ left: JinjaValue, _ right: JinjaValue
  ) throws(ChatTemplateError) -> JinjaValue {
    if symbol == .concatenate { return try produced(try text(of: left) + (try text(of: right))) }
    for case .undefined(let what) in [left, right] { throw error("\"\(what)\" is undefined") }
    switch (symbol, left, right) {
    case (.add, .string(let left), .string(let right)): return try produced(left + right)
    case (.add, .list(let left), .list(let right)):
      try charge(elements: left.count + right.count)
      return .list(left + right)
    case (.multiply, .string(let text), .int(let times)),
      (.multiply, .int(let times), .string(let text)):
      return try repeated(text, times)
    default: break
    }
    if let left = left.wholeNumber, let right = right.wholeNumber, symbol != .divide {
      return .int(try calculate(symbol, left, right))
    }
    if let left = left.number, let right = right.number {
      return .double(try calculate(symbol, left, right))
    }
    throw error("\"\(symbol.rawValue)\" does not work between \(left.kind) and \(right.kind)")
  }

  private mutating func repeated(
    _ text: String, _ times: Int
  ) throws(ChatTemplateError) -> JinjaValue {
    try charge(text.utf8.count, times: max(times, 0))
    return .string(String(repeating: text, count: max(times, 0)))
  }

  private func calculate(
    _ symbol: JinjaOperator, _ left: Int, _ right: Int
  ) throws(ChatTemplateError) -> Int {
    var result: (partialValue: Int, overflow: Bool)
    switch symbol {
    case .add: result = left.addingReportingOverflow(right)
    case .subtract: result = left.subtractingReportingOverflow(right)
    case .multiply: result = left.multipliedReportingOverflow(by: right)
    case .floorDivide, .remainder:
      guard right != 0 else { throw error("division by zero") }
      if right == -1 {
        result = symbol == .remainder ? (0, false) : (0 as Int).subtractingReportingOverflow(left)
        break
      }
      let (quotient, rest) = left.quotientAndRemainder(dividingBy: right)
      let rounds = rest != 0 && (rest < 0) != (right < 0)
      if symbol == .floorDivide {
        result = (rounds ? quotient - 1 : quotient, false)
      } else {
        result = (rounds ? rest + right : rest, false)
      }
    case .power: result = try power(left, right)
    case .divide, .concatenate: throw error("\"\(symbol.rawValue)\" gives no whole number")
    }
    guard !result.overflow else { throw error("a number is too large") }
    return result.partialValue
  }

  private func power(
    _ base: Int, _ exponent: Int
  ) throws(ChatTemplateError) -> (partialValue: Int, overflow: Bool) {
    guard exponent >= 0, exponent <= 64 else { throw error("an exponent outside of 0 ... 64") }
    var result = 1
    for _ in 0..<exponent {
      let (product, overflow) = result.multipliedReportingOverflow(by: base)
      if overflow { return (0, true) }
      result = product
    }
    return (result, false)
  }

  private func calculate(
    _ symbol: JinjaOperator, _ left: Double, _ right: Double
  ) throws(ChatTemplateError) -> Double {
    if [.divide, .floorDivide, .remainder].contains(symbol), right == 0 {
      throw error("division by zero")
    }
    let result: Double
    switch symbol {
    case .add: result = left + right
    case .subtract: result = left - right
    case .multiply: result = left * right
    case .divide: result = left / right
    case .floorDivide: result = (left / right).rounded(.down)
    case .remainder: result = left - (left / right).rounded(.down) * right
    case .power: result = pow(left, right)
    case .concatenate: throw error("\"~\" gives no number")
    }
    guard result.isFinite else { throw error("a number is too large") }
    return result
  }
}
