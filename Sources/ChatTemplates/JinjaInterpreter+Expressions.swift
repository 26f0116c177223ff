extension JinjaInterpreter {
  mutating func evaluate(_ expression: JinjaExpression) throws(ChatTemplateError) -> JinjaValue {
    try step()
    return try nested { interpreter throws(ChatTemplateError) in
      try interpreter.value(of: expression)
    }
  }

  private mutating func value(
    of expression: JinjaExpression
  ) throws(ChatTemplateError) -> JinjaValue {
    switch expression {
    case .string(let string): return .string(string)
    case .int(let int): return .int(int)
    case .double(let double): return .double(double)
    case .bool(let bool): return .bool(bool)
    case .none: return .none
    case .name(let name): return value(named: name)
    case .list(let elements): return try charged(.list(try evaluate(elements)))
    case .dictionary(let members): return try charged(try dictionary(members))
    case .attribute(let object, let name): return try attribute(name, of: try evaluate(object))
    case .item(let object, let key):
      return try item(try evaluate(key), of: try evaluate(object))
    case .slice(let object, let start, let end, let step):
      return try slice(try evaluate(object), bound(start), bound(end), bound(step) ?? 1)
    case .call(let callee, let arguments): return try call(callee, arguments)
    case .filter(let value, let name, let arguments):
      return try apply(filter: name, to: try evaluate(value), try evaluate(arguments))
    case .test(let value, let name, let arguments):
      return .bool(try test(name, try evaluate(value), try evaluate(arguments).positional))
    case .not(let value): return .bool(!(try evaluate(value).isTrue))
    case .negative(let value): return try calculate(.subtract, .int(0), try evaluate(value))
    case .positive(let value): return try calculate(.add, .int(0), try evaluate(value))
    case .binary(let symbol, let left, let right):
      return try calculate(symbol, try evaluate(left), try evaluate(right))
    case .comparison(let first, let rest): return .bool(try compare(first, rest))
    case .and(let left, let right):
      let value = try evaluate(left)
      return value.isTrue ? try evaluate(right) : value
    case .or(let left, let right):
      let value = try evaluate(left)
      return value.isTrue ? value : try evaluate(right)
    case .choice(let condition, let value, let otherwise):
      if try evaluate(condition).isTrue { return try evaluate(value) }
      guard let otherwise else { return .undefined("the missing else") }
      return try evaluate(otherwise)
    }
  }

  mutating func charged(_ value: JinjaValue) throws(ChatTemplateError) -> JinjaValue {
    try charge(whole: value)
    return value
  }

  private mutating func evaluate(
    _ expressions: [JinjaExpression]
  ) throws(ChatTemplateError) -> [JinjaValue] {
    var values: [JinjaValue] = []
    for expression in expressions { values.append(try evaluate(expression)) }
    return values
  }

  struct Arguments {
    var positional: [JinjaValue] = []
    var named: [(name: String, value: JinjaValue)] = []

    /// The argument at a position, or by its name.
    subscript(_ index: Int, _ name: String) -> JinjaValue? {
      index < positional.count ? positional[index] : named.first { $0.name == name }?.value
    }
  }

  private mutating func evaluate(
    _ arguments: JinjaArguments
  ) throws(ChatTemplateError) -> Arguments {
    var values = Arguments(positional: try evaluate(arguments.positional))
    for (name, value) in arguments.named { values.named.append((name, try evaluate(value))) }
    return values
  }

  private mutating func dictionary(
    _ expressions: [(key: JinjaExpression, value: JinjaExpression)]
  ) throws(ChatTemplateError) -> JinjaValue {
    var members: [JinjaValue.Member] = []
    for (key, value) in expressions {
      guard case .string(let key) = try evaluate(key) else {
        throw error("a dictionary's key is not a text")
      }
      try set(key, try evaluate(value), in: &members)
    }
    return .dictionary(members)
  }

  private mutating func bound(
    _ expression: JinjaExpression?
  ) throws(ChatTemplateError) -> Int? {
    guard let expression else { return nil }
    let value = try evaluate(expression)
    if case .none = value { return nil }
    guard let int = value.wholeNumber else { throw error("a slice bound is \(value.kind)") }
    return int
  }

  private mutating func item(
    _ key: JinjaValue, of object: JinjaValue
  ) throws(ChatTemplateError) -> JinjaValue {
    switch (object, key) {
    case (_, .string(let name)): return try attribute(name, of: object)
    case (.undefined(let what), _): throw error("\"\(what)\" is undefined, so it has no items")
    case (.list(let elements), .int(let index)):
      let index = index < 0 ? index &+ elements.count : index
      return elements.indices.contains(index) ? elements[index] : .undefined("item \(index)")
    case (.string(let string), .int(let index)):
      let scalars = try scalars(of: string)
      let position = index < 0 ? index &+ scalars.count : index
      guard scalars.indices.contains(position) else { return .undefined("character \(index)") }
      return .string(String(Character(scalars[position])))
    default: return .undefined("item of \(object.kind)")
    }
  }

  private mutating func scalars(
    of text: String
  ) throws(ChatTemplateError) -> [Unicode.Scalar] {
    try charge(4, times: text.utf8.count)
    return Array(text.unicodeScalars)
  }

  private mutating func slice(
    _ object: JinjaValue, _ start: Int?, _ end: Int?, _ step: Int
  ) throws(ChatTemplateError) -> JinjaValue {
    guard step != 0 else { throw error("a slice with step 0") }
    switch object {
    case .list(let elements):
      try charge(elements: elements.count)
      return .list(Self.indices(elements.count, start, end, step).map { elements[$0] })
    case .string(let string):
      let scalars = try scalars(of: string)
      var text = String.UnicodeScalarView()
      for index in Self.indices(scalars.count, start, end, step) { text.append(scalars[index]) }
      return try produced(String(text))
    case .undefined(let what): throw error("\"\(what)\" is undefined and cannot be sliced")
    default: throw error("\(object.kind) cannot be sliced")
    }
  }

  /// The indices of Python's `[start:end:step]`.
  private static func indices(_ count: Int, _ start: Int?, _ end: Int?, _ step: Int) -> [Int] {
    let (lowest, highest) = step > 0 ? (0, count) : (-1, count - 1)
    func clamp(_ bound: Int?, _ fallback: Int) -> Int {
      guard let bound else { return fallback }
      return min(max(bound < 0 ? bound &+ count : bound, lowest), highest)
    }
    let first = clamp(start, step > 0 ? lowest : highest)
    let last = clamp(end, step > 0 ? highest : lowest)
    // A step beyond the length visits one element; the clamp keeps `first + step` from overflowing.
    let step = min(max(step, -count - 1), count + 1)
    return Array(stride(from: first, to: last, by: step))
  }

  private mutating func compare(
    _ first: JinjaExpression, _ rest: [(JinjaComparison, JinjaExpression)]
  ) throws(ChatTemplateError) -> Bool {
    var left = try evaluate(first)
    for (comparison, expression) in rest {
      let right = try evaluate(expression)
      guard try holds(comparison, left, right) else { return false }
      left = right
    }
    return true
  }

  private mutating func call(
    _ callee: JinjaExpression, _ arguments: JinjaArguments
  ) throws(ChatTemplateError) -> JinjaValue {
    if case .attribute(let object, let name) = callee {
      let object = try evaluate(object)
      if case .undefined(let what) = object {
        throw error("\"\(what)\" is undefined, so it has no \"\(name)\"")
      }
      return try call(method: name, of: object, try evaluate(arguments))
    }
    if case .name(let name) = callee, value(named: name).isUndefined {
      return try call(function: name, try evaluate(arguments))
    }
    guard case .macro(let macro) = try evaluate(callee) else {
      throw error("this is no function and cannot be called")
    }
    let values = try evaluate(arguments)
    return try call(macro, values.positional, values.named)
  }
}
