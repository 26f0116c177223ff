/// The parsed form of a template: what the subset of Jinja that chat templates use can say.
enum JinjaNode: Sendable {
  case text(String)
  case output(JinjaExpression, line: Int)
  case conditional([JinjaBranch], otherwise: [JinjaNode])
  case loop(JinjaLoop)
  case assignment(JinjaTarget, JinjaExpression, line: Int)
  /// `{% set name %}...{% endset %}`
  case capture(JinjaTarget, [JinjaNode], line: Int)
  case macro(JinjaMacro)
  case breakLoop
  case continueLoop
}

struct JinjaBranch: Sendable {
  var condition: JinjaExpression
  var body: [JinjaNode]
  var line: Int
}

struct JinjaLoop: Sendable {
  var targets: [String]
  var iterable: JinjaExpression
  /// `for x in y if condition`
  var filter: JinjaExpression?
  var body: [JinjaNode]
  /// Whether anything inside asks for `loop`.
  var usesLoopVariable: Bool
  /// For an empty loop.
  var otherwise: [JinjaNode]
  var line: Int
}

struct JinjaMacro: Sendable {
  var name: String
  var parameters: [(name: String, fallback: JinjaExpression?)]
  var body: [JinjaNode]
}

enum JinjaTarget: Sendable {
  case names([String])
  /// `{% set namespace.attribute = ... %}`
  case attribute(String, String)
}

struct JinjaArguments: Sendable {
  var positional: [JinjaExpression] = []
  var named: [(name: String, value: JinjaExpression)] = []
}

indirect enum JinjaExpression: Sendable {
  case string(String)
  case int(Int)
  case double(Double)
  case bool(Bool)
  case none
  case name(String)
  case list([JinjaExpression])
  case dictionary([(key: JinjaExpression, value: JinjaExpression)])
  case attribute(JinjaExpression, String)
  case item(JinjaExpression, JinjaExpression)
  case slice(JinjaExpression, JinjaExpression?, JinjaExpression?, JinjaExpression?)
  case call(JinjaExpression, JinjaArguments)
  case filter(JinjaExpression, String, JinjaArguments)
  case test(JinjaExpression, String, JinjaArguments)
  case not(JinjaExpression)
  case negative(JinjaExpression)
  case positive(JinjaExpression)
  case binary(JinjaOperator, JinjaExpression, JinjaExpression)
  /// `a < b <= c`
  case comparison(JinjaExpression, [(JinjaComparison, JinjaExpression)])
  case and(JinjaExpression, JinjaExpression)
  case or(JinjaExpression, JinjaExpression)
  case choice(condition: JinjaExpression, JinjaExpression, otherwise: JinjaExpression?)
}

enum JinjaOperator: String, Sendable {
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case floorDivide = "//"
  case remainder = "%"
  case power = "**"
  case concatenate = "~"
}

enum JinjaComparison: String, Sendable {
  case equal = "=="
  case unequal = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
  case contained = "in"
  case notContained = "not in"
}
