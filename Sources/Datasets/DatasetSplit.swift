/// Which records of a source are used: `train`, `train[:1000]`, `train[10%:]`, `[-500:]`.
///
/// The name picks files by name in a directory; the slice counts records of all files of the
/// source, as Python and Hugging Face slices do: negative bounds count from the end, percentages
/// are rounded to the nearest record, bounds outside are cut.
package struct DatasetSplit: Sendable, Equatable, CustomStringConvertible {
  package enum Bound: Sendable, Equatable {
    case records(Int)
    case percent(Int)
  }

  package var name: String
  package var lower: Bound?
  package var upper: Bound?

  package static let all = DatasetSplit(name: "", lower: nil, upper: nil)

  package init(name: String, lower: Bound? = nil, upper: Bound? = nil) {
    self.name = name
    self.lower = lower
    self.upper = upper
  }

  package init(parsing text: String) throws(DatasetError) {
    let fault = DatasetError.badSetting(
      key: "datasets.split",
      reason: "\"\(text)\" is not a split; write train, train[:1000] or train[10%:90%]")
    guard let open = text.firstIndex(of: "[") else {
      guard !text.contains("]"), !text.contains(":") else { throw fault }
      self.init(name: text)
      return
    }
    guard text.last == "]" else { throw fault }
    let slice = text[text.index(after: open)...].dropLast()
    let bounds = slice.split(separator: ":", omittingEmptySubsequences: false)
    guard bounds.count == 2 else { throw fault }
    func bound(_ text: Substring) throws(DatasetError) -> Bound? {
      if text.isEmpty { return nil }
      if text.last == "%" {
        guard let percent = Int(text.dropLast()), (-100...100).contains(percent) else {
          throw fault
        }
        return .percent(percent)
      }
      guard let count = Int(text) else { throw fault }
      return .records(count)
    }
    self.init(
      name: String(text[..<open]), lower: try bound(bounds[0]), upper: try bound(bounds[1]))
  }

  package var hasSlice: Bool { lower != nil || upper != nil }

  /// The records of `count` that the slice keeps.
  package func range(count: Int) -> Range<Int> {
    func resolved(_ bound: Bound?, default: Int) -> Int {
      let value =
        switch bound {
        case nil: `default`
        case .records(let records): records
        case .percent(let percent): Int((Double(count) * Double(percent) / 100).rounded())
        }
      return min(max(value < 0 ? value + count : value, 0), count)
    }
    let start = resolved(lower, default: 0)
    return start..<max(start, resolved(upper, default: count))
  }

  package var description: String {
    func text(_ bound: Bound?) -> String {
      switch bound {
      case nil: ""
      case .records(let records): "\(records)"
      case .percent(let percent): "\(percent)%"
      }
    }
    return name + (hasSlice ? "[\(text(lower)):\(text(upper))]" : "")
  }
}
