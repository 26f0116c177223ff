/// Renders a template; every step, level and byte is counted, so that no template runs for ever.
struct JinjaInterpreter {
  /// Scopes from the outermost: names given by the caller, names set by the template, loops.
  private var scopes: [[String: JinjaValue]]
  private var output: [UInt8] = []
  private var depth = 0
  /// What is left of what this render may cost.
  private(set) var budget: RenderBudget
  /// Contents of the namespaces, which a value names by their index. A namespace may hold itself;
  /// all of them go when the render ends.
  var namespaces: [[JinjaValue.Member]] = []
  var line = 1
  /// The date that `strftime_now` formats.
  let now: DateFields
  let environment: JinjaEnvironment

  static let maximumDepth = 200
  static let maximumLevel = 64

  enum Flow { case next, breakLoop, continueLoop }

  init(
    names: [String: JinjaValue], now: DateFields, budget: RenderBudget,
    environment: JinjaEnvironment = .chat
  ) {
    scopes = [names, [:]]
    self.now = now
    self.budget = budget
    self.environment = environment
  }

  func error(_ reason: String) -> ChatTemplateError { .faulty(line: line, reason: reason) }

  mutating func render(_ nodes: [JinjaNode]) throws(ChatTemplateError) -> String {
    guard try run(nodes) == .next else { throw error("break or continue outside of a loop") }
    return String(decoding: output, as: UTF8.self)
  }

  /// Charges one more node or expression.
  mutating func step() throws(ChatTemplateError) {
    if let reason = budget.step() { throw error(reason) }
  }

  /// Charges work on so many bytes, before it is done.
  mutating func charge(_ bytes: Int) throws(ChatTemplateError) {
    if let reason = budget.charge(bytes) { throw error(reason) }
  }

  /// Charges a product of two sizes.
  mutating func charge(_ size: Int, times count: Int) throws(ChatTemplateError) {
    let (bytes, overflow) = size.multipliedReportingOverflow(by: count)
    try charge(overflow ? .max : bytes)
  }

  /// Charges the memory of a list's elements, without what they hold.
  mutating func charge(elements count: Int) throws(ChatTemplateError) {
    try charge(MemoryLayout<JinjaValue>.stride, times: count)
  }

  /// Charges texts of so many bytes together, each with the memory around it.
  mutating func charge(texts count: Int, bytes: Int) throws(ChatTemplateError) {
    try charge(JinjaValue.sizeOfText, times: count)
    try charge(bytes)
  }

  /// Charges a text that was made.
  mutating func produced(_ text: String) throws(ChatTemplateError) -> JinjaValue {
    try charge(text.utf8.count)
    return .string(text)
  }

  /// Charges a value with all it holds, and refuses what is nested too deeply: a few lines can
  /// build a list whose text would be longer than any memory.
  mutating func charge(whole value: JinjaValue, level: Int = 0) throws(ChatTemplateError) {
    guard level <= Self.maximumLevel else { throw error("a value is nested too deeply") }
    try charge(elements: 1)
    switch value {
    case .string(let text): try charge(text.utf8.count)
    case .list(let elements):
      for element in elements { try charge(whole: element, level: level + 1) }
    case .dictionary(let members):
      for member in members {
        try charge(member.key.utf8.count)
        try charge(whole: member.value, level: level + 1)
      }
    default: break
    }
  }

  /// Runs `body` one level deeper.
  mutating func nested<Result>(
    _ body: (inout JinjaInterpreter) throws(ChatTemplateError) -> Result
  ) throws(ChatTemplateError) -> Result {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maximumDepth else { throw error("the template is nested too deeply") }
    return try body(&self)
  }

  func value(named name: String) -> JinjaValue {
    for scope in scopes.reversed() {
      if let value = scope[name] { return value }
    }
    return .undefined(name)
  }
}

extension JinjaInterpreter {
  private mutating func run(_ nodes: [JinjaNode]) throws(ChatTemplateError) -> Flow {
    try nested { interpreter throws(ChatTemplateError) in
      for node in nodes {
        let flow = try interpreter.run(node)
        if flow != .next { return flow }
      }
      return .next
    }
  }

  private mutating func run(_ node: JinjaNode) throws(ChatTemplateError) -> Flow {
    try step()
    switch node {
    case .text(let text): try print(text)
    case .output(let expression, let line):
      self.line = line
      try print(try text(of: try evaluate(expression)))
    case .conditional(let branches, let otherwise):
      for branch in branches {
        line = branch.line
        if try evaluate(branch.condition).isTrue { return try run(branch.body) }
      }
      return try run(otherwise)
    case .loop(let loop): return try run(loop)
    case .assignment(let target, let expression, let line):
      self.line = line
      try assign(try evaluate(expression), to: target)
    case .capture(let target, let body, let line):
      self.line = line
      let text = try captured(body)
      try assign(try produced(text), to: target)
    case .macro(let macro): set(macro.name, .macro(macro))
    case .breakLoop: return .breakLoop
    case .continueLoop: return .continueLoop
    }
    return .next
  }

  private mutating func print(_ text: String) throws(ChatTemplateError) {
    try charge(text.utf8.count)
    output.append(contentsOf: text.utf8)
  }

  /// What the nodes print, taken away from the output.
  private mutating func captured(_ nodes: [JinjaNode]) throws(ChatTemplateError) -> String {
    let outer = output
    output = []
    defer { output = outer }
    guard try run(nodes) == .next else { throw error("break or continue outside of a loop") }
    return String(decoding: output, as: UTF8.self)
  }

  private mutating func set(_ name: String, _ value: JinjaValue) {
    scopes[scopes.count - 1][name] = value
  }

  private mutating func assign(
    _ value: JinjaValue, to target: JinjaTarget
  ) throws(ChatTemplateError) {
    switch target {
    case .names(let names): try unpack(value, into: names)
    case .attribute(let name, let attribute):
      guard case .namespace(let index) = self.value(named: name) else {
        throw error("\"\(name)\" is no namespace, so \"\(name).\(attribute)\" cannot be set")
      }
      try charge(whole: value)
      // Taken out while it changes, so that it is not copied.
      var members = namespaces[index]
      namespaces[index] = []
      try set(attribute, value, in: &members)
      namespaces[index] = members
    }
  }

  private mutating func unpack(
    _ value: JinjaValue, into names: [String]
  ) throws(ChatTemplateError) {
    if names.count == 1 { return set(names[0], value) }
    guard case .list(let parts) = value, parts.count == names.count else {
      throw error("\(value.kind) cannot be unpacked into \(names.count) names")
    }
    for (name, part) in zip(names, parts) { set(name, part) }
  }

  private mutating func run(_ loop: JinjaLoop) throws(ChatTemplateError) -> Flow {
    line = loop.line
    var elements = try self.elements(of: try evaluate(loop.iterable))
    scopes.append([:])
    defer { scopes.removeLast() }
    if let filter = loop.filter {
      var kept: [JinjaValue] = []
      for element in elements {
        try unpack(element, into: loop.targets)
        if try evaluate(filter).isTrue { kept.append(element) }
      }
      elements = kept
    }
    guard !elements.isEmpty else { return try run(loop.otherwise) }
    for (index, element) in elements.enumerated() {
      scopes[scopes.count - 1] = [:]
      try unpack(element, into: loop.targets)
      if loop.usesLoopVariable { set("loop", Self.loopVariable(index, elements)) }
      if try run(loop.body) == .breakLoop { break }
    }
    return .next
  }

  private static func loopVariable(_ index: Int, _ elements: [JinjaValue]) -> JinjaValue {
    func neighbour(_ index: Int) -> JinjaValue {
      elements.indices.contains(index) ? elements[index] : .undefined("loop neighbour")
    }
    let values: [(String, JinjaValue)] = [
      ("index", .int(index + 1)), ("index0", .int(index)), ("first", .bool(index == 0)),
      ("last", .bool(index == elements.count - 1)), ("length", .int(elements.count)),
      ("revindex", .int(elements.count - index)), ("revindex0", .int(elements.count - index - 1)),
      ("previtem", neighbour(index - 1)), ("nextitem", neighbour(index + 1)),
    ]
    return .dictionary(values.map { JinjaValue.Member(key: $0.0, value: $0.1) })
  }

  /// Calls a macro: its own scope above the template's outermost ones.
  mutating func call(
    _ macro: JinjaMacro, _ positional: [JinjaValue], _ named: [(name: String, value: JinjaValue)]
  ) throws(ChatTemplateError) -> JinjaValue {
    guard positional.count <= macro.parameters.count else {
      throw error("macro \"\(macro.name)\" takes \(macro.parameters.count) arguments")
    }
    let outer = scopes
    defer { scopes = outer }
    scopes = Array(scopes.prefix(2)) + [[:]]
    for (index, parameter) in macro.parameters.enumerated() {
      if index < positional.count {
        set(parameter.name, positional[index])
      } else if let argument = named.first(where: { $0.name == parameter.name }) {
        set(parameter.name, argument.value)
      } else if let fallback = parameter.fallback {
        set(parameter.name, try evaluate(fallback))
      } else {
        set(parameter.name, .undefined(parameter.name))
      }
    }
    return try produced(try captured(macro.body))
  }
}
