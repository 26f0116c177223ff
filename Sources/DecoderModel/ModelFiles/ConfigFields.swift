internal import JSONText

/// Reads numbers of a model's configuration and collects what is wrong with them, so that all
/// faults are reported together.
struct ConfigFields {
  /// The value of a key; nil where it is absent or null.
  let value: (String) -> JSONValue?
  /// Whether the key is there, be it null.
  let has: (String) -> Bool
  private(set) var faults: [String] = []

  init(_ value: @escaping (String) -> JSONValue?) {
    (self.value, has) = (value, { value($0) != nil })
  }

  init(object: JSONValue) {
    (value, has) = ({ object[$0]?.unlessNull }, { object[$0] != nil })
  }

  /// A whole number in `range`; `fallback` where the key is absent, and a fault where that is nil.
  mutating func integer(_ key: String, _ range: ClosedRange<Int>, or fallback: Int? = nil) -> Int {
    guard let value = value(key) else {
      if let fallback { return fallback }
      faults.append("\"\(key)\" is missing; expected a whole number")
      return range.lowerBound
    }
    guard let int = value.int, range.contains(int) else {
      faults.append(
        "\"\(key)\" is \(value.brief), expected a whole number from \(range.lowerBound) to "
          + "\(range.upperBound)")
      return range.lowerBound
    }
    return int
  }

  mutating func real(_ key: String, _ range: ClosedRange<Double>, or fallback: Double? = nil)
    -> Double
  {
    guard let value = value(key) else {
      if let fallback { return fallback }
      faults.append("\"\(key)\" is missing; expected a number")
      return range.lowerBound
    }
    guard let real = value.double, range.contains(real) else {
      faults.append(
        "\"\(key)\" is \(value.brief), expected a number from \(range.lowerBound) to "
          + "\(range.upperBound)")
      return range.lowerBound
    }
    return real
  }

  mutating func bool(_ key: String, or fallback: Bool) -> Bool {
    guard let value = value(key) else { return fallback }
    guard let bool = value.bool else {
      faults.append("\"\(key)\" is \(value.brief), expected true or false")
      return fallback
    }
    return bool
  }

  mutating func text(_ key: String, or fallback: String) -> String {
    guard let value = value(key) else { return fallback }
    guard let text = value.string else {
      faults.append("\"\(key)\" is \(value.brief), expected a string")
      return fallback
    }
    return text
  }

  mutating func fault(_ text: String) { faults.append(text) }
  mutating func add(_ others: [String]) { faults += others }
}

extension JSONValue {
  /// The value in an error message, cut short.
  fileprivate var brief: String {
    let text = text()
    return text.utf8.count <= 40 ? text : kind
  }
}
