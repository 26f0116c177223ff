/// Reads the tokens of one tag; the grammar of expressions with Jinja's precedence.
struct JinjaCursor {
  private let tokens: [JinjaLexer.Token]
  private var index = 0
  private var depth = 0
  let line: Int

  init(_ tokens: [JinjaLexer.Token], line: Int) {
    self.tokens = tokens
    self.line = line
  }

  private func error(_ reason: String) -> ChatTemplateError {
    .faulty(line: line, reason: reason)
  }

  private var current: JinjaLexer.Token? { index < tokens.count ? tokens[index] : nil }

  private var found: String {
    switch current {
    case nil: "the end of the tag"
    case .name(let text), .symbol(let text): "\"\(text)\""
    case .string: "a text"
    case .int, .double: "a number"
    }
  }

  mutating func name(_ what: String) throws(ChatTemplateError) -> String {
    guard case .name(let name) = current else { throw error("expected \(what), not \(found)") }
    index += 1
    return name
  }

  mutating func expectName(_ name: String) throws(ChatTemplateError) {
    guard skip(name: name) else { throw error("expected \"\(name)\", not \(found)") }
  }

  mutating func expect(symbol: String) throws(ChatTemplateError) {
    guard skip(symbol: symbol) else { throw error("expected \"\(symbol)\", not \(found)") }
  }

  func expectEnd() throws(ChatTemplateError) {
    guard current == nil else { throw error("unexpected \(found)") }
  }

  mutating func skip(name: String) -> Bool {
    guard current == .name(name) else { return false }
    index += 1
    return true
  }

  mutating func skip(symbol: String) -> Bool {
    guard current == .symbol(symbol) else { return false }
    index += 1
    return true
  }

  mutating func skipName() {
    if case .name = current { index += 1 }
  }

  /// `a` or `a, b` or `(a, b)`.
  mutating func targetNames() throws(ChatTemplateError) -> [String] {
    let parenthesized = skip(symbol: "(")
    var names = [try name("a variable")]
    while skip(symbol: ",") { names.append(try name("a variable")) }
    if parenthesized { try expect(symbol: ")") }
    return names
  }
}

extension JinjaCursor {
  /// An expression; with `allowsTuple` also `a, b`, with `allowsChoice` also `a if b else c`.
  mutating func expression(
    allowsTuple: Bool = false, allowsChoice: Bool = true
  ) throws(ChatTemplateError) -> JinjaExpression {
    depth += 1
    defer { depth -= 1 }
    guard depth <= JinjaParser.maximumDepth else { throw error("expressions nested too deeply") }
    let first = allowsChoice ? try choice() : try or()
    guard allowsTuple, current == .symbol(",") else { return first }
    var elements = [first]
    while skip(symbol: ",") {
      if current == nil || current == .symbol(")") { break }
      elements.append(allowsChoice ? try choice() : try or())
    }
    return .list(elements)
  }

  private mutating func choice() throws(ChatTemplateError) -> JinjaExpression {
    var value = try or()
    while skip(name: "if") {
      let condition = try or()
      let otherwise = skip(name: "else") ? try expression() : nil
      value = .choice(condition: condition, value, otherwise: otherwise)
    }
    return value
  }

  private mutating func or() throws(ChatTemplateError) -> JinjaExpression {
    var left = try and()
    while skip(name: "or") { left = .or(left, try and()) }
    return left
  }

  private mutating func and() throws(ChatTemplateError) -> JinjaExpression {
    var left = try not()
    while skip(name: "and") { left = .and(left, try not()) }
    return left
  }

  private mutating func not() throws(ChatTemplateError) -> JinjaExpression {
    guard skip(name: "not") else { return try comparison() }
    depth += 1
    defer { depth -= 1 }
    guard depth <= JinjaParser.maximumDepth else { throw error("expressions nested too deeply") }
    return .not(try not())
  }

  private mutating func comparison() throws(ChatTemplateError) -> JinjaExpression {
    let first = try sum()
    var rest: [(JinjaComparison, JinjaExpression)] = []
    while let comparison = comparisonOperator() { rest.append((comparison, try sum())) }
    return rest.isEmpty ? first : .comparison(first, rest)
  }

  private mutating func comparisonOperator() -> JinjaComparison? {
    if case .symbol(let symbol) = current, let comparison = JinjaComparison(rawValue: symbol) {
      index += 1
      return comparison
    }
    if skip(name: "in") { return .contained }
    if current == .name("not"), index + 1 < tokens.count, tokens[index + 1] == .name("in") {
      index += 2
      return .notContained
    }
    return nil
  }

  private mutating func skipOperator(_ symbols: [JinjaOperator]) -> JinjaOperator? {
    guard case .symbol(let symbol) = current, let found = JinjaOperator(rawValue: symbol),
      symbols.contains(found)
    else { return nil }
    index += 1
    return found
  }

  private mutating func sum() throws(ChatTemplateError) -> JinjaExpression {
    var left = try concatenation()
    while let symbol = skipOperator([.add, .subtract]) {
      left = .binary(symbol, left, try concatenation())
    }
    return left
  }

  private mutating func concatenation() throws(ChatTemplateError) -> JinjaExpression {
    var left = try product()
    while skipOperator([.concatenate]) != nil { left = .binary(.concatenate, left, try product()) }
    return left
  }

  private mutating func product() throws(ChatTemplateError) -> JinjaExpression {
    var left = try power()
    while let symbol = skipOperator([.multiply, .divide, .floorDivide, .remainder]) {
      left = .binary(symbol, left, try power())
    }
    return left
  }

  private mutating func power() throws(ChatTemplateError) -> JinjaExpression {
    var left = try unary(withFilters: true)
    while skipOperator([.power]) != nil {
      left = .binary(.power, left, try unary(withFilters: true))
    }
    return left
  }

  private mutating func unary(withFilters: Bool) throws(ChatTemplateError) -> JinjaExpression {
    depth += 1
    defer { depth -= 1 }
    guard depth <= JinjaParser.maximumDepth else { throw error("expressions nested too deeply") }
    var value: JinjaExpression
    if skip(symbol: "-") {
      value = .negative(try unary(withFilters: false))
    } else if skip(symbol: "+") {
      value = .positive(try unary(withFilters: false))
    } else {
      value = try primary()
    }
    value = try postfix(value)
    return withFilters ? try filters(value) : value
  }

  private mutating func primary() throws(ChatTemplateError) -> JinjaExpression {
    guard let token = current else { throw error("expected an expression, not \(found)") }
    index += 1
    switch token {
    case .int(let int): return .int(int)
    case .double(let double): return .double(double)
    case .string(var text):
      while case .string(let more) = current {
        text += more
        index += 1
      }
      return .string(text)
    case .name(let name):
      switch name {
      case "true", "True": return .bool(true)
      case "false", "False": return .bool(false)
      case "none", "None": return .none
      default: return .name(name)
      }
    case .symbol("("):
      if skip(symbol: ")") { return .list([]) }
      let inner = try expression(allowsTuple: true)
      try expect(symbol: ")")
      return inner
    case .symbol("["): return .list(try elements(until: "]"))
    case .symbol("{"): return try dictionary()
    default:
      index -= 1
      throw error("expected an expression, not \(found)")
    }
  }

  private mutating func elements(until end: String) throws(ChatTemplateError) -> [JinjaExpression] {
    var elements: [JinjaExpression] = []
    while !skip(symbol: end) {
      if !elements.isEmpty {
        try expect(symbol: ",")
        if skip(symbol: end) { break }
      }
      elements.append(try expression())
    }
    return elements
  }

  private mutating func dictionary() throws(ChatTemplateError) -> JinjaExpression {
    var members: [(key: JinjaExpression, value: JinjaExpression)] = []
    while !skip(symbol: "}") {
      if !members.isEmpty {
        try expect(symbol: ",")
        if skip(symbol: "}") { break }
      }
      let key = try expression()
      try expect(symbol: ":")
      members.append((key, try expression()))
    }
    return .dictionary(members)
  }

  private mutating func postfix(
    _ value: JinjaExpression
  ) throws(ChatTemplateError) -> JinjaExpression {
    var value = value
    while true {
      if skip(symbol: ".") {
        if case .int(let int) = current {
          index += 1
          value = .item(value, .int(int))
        } else {
          value = .attribute(value, try name("an attribute"))
        }
      } else if skip(symbol: "[") {
        value = try subscripted(value)
      } else if skip(symbol: "(") {
        value = .call(value, try arguments())
      } else {
        return value
      }
    }
  }

  private mutating func subscripted(
    _ value: JinjaExpression
  ) throws(ChatTemplateError) -> JinjaExpression {
    var parts: [JinjaExpression?] = [nil]
    while !skip(symbol: "]") {
      if skip(symbol: ":") {
        parts.append(nil)
      } else if parts[parts.count - 1] == nil {
        parts[parts.count - 1] = try expression()
      } else {
        throw error("expected \"]\", not \(found)")
      }
    }
    if parts.count == 1, let key = parts[0] { return .item(value, key) }
    guard parts.count == 2 || parts.count == 3 else { throw error("a broken subscript") }
    return .slice(value, parts[0], parts[1], parts.count == 3 ? parts[2] : nil)
  }

  private mutating func arguments() throws(ChatTemplateError) -> JinjaArguments {
    var arguments = JinjaArguments()
    var isFirst = true
    while !skip(symbol: ")") {
      if !isFirst {
        try expect(symbol: ",")
        if skip(symbol: ")") { break }
      }
      isFirst = false
      if case .name(let name) = current, index + 1 < tokens.count,
        tokens[index + 1] == .symbol("=")
      {
        index += 2
        arguments.named.append((name, try expression()))
      } else {
        arguments.positional.append(try expression())
      }
    }
    return arguments
  }

  private mutating func filters(
    _ value: JinjaExpression
  ) throws(ChatTemplateError) -> JinjaExpression {
    var value = value
    while true {
      if skip(symbol: "|") {
        let name = try name("a filter")
        value = .filter(value, name, skip(symbol: "(") ? try arguments() : JinjaArguments())
      } else if skip(name: "is") {
        value = try test(value)
      } else if skip(symbol: "(") {
        value = .call(value, try arguments())
      } else {
        return value
      }
    }
  }

  private mutating func test(
    _ value: JinjaExpression
  ) throws(ChatTemplateError) -> JinjaExpression {
    let negated = skip(name: "not")
    let name = try name("a test")
    var arguments = JinjaArguments()
    if skip(symbol: "(") {
      arguments = try self.arguments()
    } else if startsArgument {
      arguments.positional = [try postfix(try primary())]
    }
    let test = JinjaExpression.test(value, name, arguments)
    return negated ? .not(test) : test
  }

  /// Whether the token can begin a test's argument without parentheses (`is divisibleby 2`).
  private var startsArgument: Bool {
    switch current {
    case .name(let name):
      !["else", "or", "and", "is", "in", "not", "if", "recursive"].contains(name)
    case .string, .int, .double, .symbol("["), .symbol("{"): true
    default: false
    }
  }
}
