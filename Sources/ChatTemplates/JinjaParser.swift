/// Builds the nodes of a template from its chunks.
struct JinjaParser {
  private let chunks: [JinjaLexer.Chunk]
  private var index = 0
  private var depth = 0
  private var line = 1

  /// Blocks within blocks, and expressions within expressions.
  static let maximumDepth = 64

  static func parse(
    _ source: String, _ environment: JinjaEnvironment = .chat
  ) throws(ChatTemplateError) -> [JinjaNode] {
    var lexer = JinjaLexer(source, environment)
    var parser = JinjaParser(chunks: try lexer.chunks())
    let (nodes, _) = try parser.nodes(until: [])
    return nodes
  }

  private init(chunks: [JinjaLexer.Chunk]) { self.chunks = chunks }

  private func error(_ reason: String) -> ChatTemplateError {
    .faulty(line: line, reason: reason)
  }

  /// Nodes up to a block whose name is in `ends`, and that block's cursor.
  private mutating func nodes(
    until ends: [String]
  ) throws(ChatTemplateError) -> ([JinjaNode], JinjaCursor?) {
    let start = line
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.maximumDepth else { throw error("blocks nested too deeply") }
    var nodes: [JinjaNode] = []
    while index < chunks.count {
      let chunk = chunks[index]
      index += 1
      switch chunk {
      case .text(let text): nodes.append(.text(text))
      case .output(let tokens, let line):
        self.line = line
        var cursor = JinjaCursor(tokens, line: line)
        let expression = try cursor.expression(allowsTuple: true)
        try cursor.expectEnd()
        nodes.append(.output(expression, line: line))
      case .block(let tokens, let line):
        self.line = line
        var cursor = JinjaCursor(tokens, line: line)
        let name = try cursor.name("the name of a block")
        if ends.contains(name) { return (nodes, JinjaCursor(tokens, line: line)) }
        nodes += try statement(name, &cursor)
      }
    }
    guard ends.isEmpty else {
      line = start
      throw error("the block is not closed by {% \(ends.last ?? "") %}")
    }
    return (nodes, nil)
  }

  private mutating func statement(
    _ name: String, _ cursor: inout JinjaCursor
  ) throws(ChatTemplateError) -> [JinjaNode] {
    switch name {
    case "if": return [try conditional(&cursor)]
    case "for": return [try loop(&cursor)]
    case "set": return [try assignment(&cursor)]
    case "macro": return [try macro(&cursor)]
    // Marks what the assistant says, for those who want a mask; prints its contents.
    case "generation":
      try cursor.expectEnd()
      return try closed(by: "endgeneration")
    case "break":
      try cursor.expectEnd()
      return [.breakLoop]
    case "continue":
      try cursor.expectEnd()
      return [.continueLoop]
    default: throw error("{% \(name) %} is unknown or not supported")
    }
  }

  private mutating func closed(by name: String) throws(ChatTemplateError) -> [JinjaNode] {
    let (body, end) = try nodes(until: [name])
    if var end {
      _ = try end.name(name)
      // `endmacro name` is allowed to repeat the name.
      if name == "endmacro" { end.skipName() }
      try end.expectEnd()
    }
    return body
  }

  private mutating func conditional(
    _ cursor: inout JinjaCursor
  ) throws(ChatTemplateError) -> JinjaNode {
    var branches: [JinjaBranch] = []
    var next: JinjaCursor? = cursor
    while var condition = next {
      let line = condition.line
      let expression = try condition.expression(allowsTuple: true)
      try condition.expectEnd()
      let (body, end) = try nodes(until: ["elif", "else", "endif"])
      branches.append(JinjaBranch(condition: expression, body: body, line: line))
      guard var end else { break }
      let name = try end.name("elif, else or endif")
      if name == "elif" {
        next = end
        continue
      }
      try end.expectEnd()
      return .conditional(branches, otherwise: name == "else" ? try closed(by: "endif") : [])
    }
    return .conditional(branches, otherwise: [])
  }

  private mutating func loop(_ cursor: inout JinjaCursor) throws(ChatTemplateError) -> JinjaNode {
    let (line, start) = (cursor.line, index)
    let targets = try cursor.targetNames()
    try cursor.expectName("in")
    let iterable = try cursor.expression(allowsTuple: true, allowsChoice: false)
    let filter = cursor.skip(name: "if") ? try cursor.expression() : nil
    if cursor.skip(name: "recursive") { throw error("recursive loops are not supported") }
    try cursor.expectEnd()
    let (body, end) = try nodes(until: ["else", "endfor"])
    var otherwise: [JinjaNode] = []
    if var end {
      let name = try end.name("else or endfor")
      try end.expectEnd()
      if name == "else" { otherwise = try closed(by: "endfor") }
    }
    return .loop(
      JinjaLoop(
        targets: targets, iterable: iterable, filter: filter, body: body,
        usesLoopVariable: chunks[start..<index].contains { $0.mentions("loop") },
        otherwise: otherwise, line: line))
  }

  private mutating func assignment(
    _ cursor: inout JinjaCursor
  ) throws(ChatTemplateError) -> JinjaNode {
    let line = cursor.line
    let names = try cursor.targetNames()
    var target = JinjaTarget.names(names)
    if names.count == 1, cursor.skip(symbol: ".") {
      target = .attribute(names[0], try cursor.name("an attribute"))
    }
    if cursor.skip(symbol: "=") {
      let value = try cursor.expression(allowsTuple: true)
      try cursor.expectEnd()
      return .assignment(target, value, line: line)
    }
    try cursor.expectEnd()
    return .capture(target, try closed(by: "endset"), line: line)
  }

  private mutating func macro(_ cursor: inout JinjaCursor) throws(ChatTemplateError) -> JinjaNode {
    let name = try cursor.name("the name of a macro")
    try cursor.expect(symbol: "(")
    var parameters: [(name: String, fallback: JinjaExpression?)] = []
    while !cursor.skip(symbol: ")") {
      if !parameters.isEmpty { try cursor.expect(symbol: ",") }
      let parameter = try cursor.name("a parameter")
      let fallback = cursor.skip(symbol: "=") ? try cursor.expression() : nil
      parameters.append((parameter, fallback))
    }
    try cursor.expectEnd()
    return .macro(
      JinjaMacro(name: name, parameters: parameters, body: try closed(by: "endmacro")))
  }
}
