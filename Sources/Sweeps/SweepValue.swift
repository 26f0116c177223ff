internal import JSONText
internal import Training

/// What varies in a run, and how: a key of run files with its value as text.
package typealias SweepValue = (key: String, value: String)

extension [SweepValue] {
  /// `learning_rate 0.001, seed 2`
  package var label: String { map { "\($0.key) \($0.value)" }.joined(separator: ", ") }

  var json: JSONValue { .object(map { .init(key: $0.key, value: .string($0.value)) }) }
}

extension [ConfigNode.Member] {
  /// `KEY: VALUE` of each.
  var flows: [String] { map { "\($0.key): \($0.value.flow)" } }
}

extension ConfigNode {
  /// The value in one line.
  var flow: String {
    switch content {
    case .null: "null"
    case .scalar(let text): text
    case .list(let elements): "[" + elements.map(\.flow).joined(separator: ", ") + "]"
    case .map(let members): "{" + members.flows.joined(separator: ", ") + "}"
    }
  }
}
