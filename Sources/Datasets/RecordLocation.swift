/// Where in its file a sample stands.
package struct RecordLocation: Equatable {
  enum Kind: UInt8 {
    /// Line of a JSONL file, counted from 1.
    case line
    /// Index of an array element or task instance, from 0.
    case element
    /// Index of a window of a plain text, from 0.
    case window
  }

  var kind: Kind
  var number: Int

  /// `file:line`, `file: element n` or `file: window n`.
  package func text(path: String) -> String {
    switch kind {
    case .line: "\(path):\(number)"
    case .element: "\(path): element \(number)"
    case .window: "\(path): window \(number)"
    }
  }
}
