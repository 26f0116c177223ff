internal import Foundation

/// A date and time, formatted as Python's `strftime` does in the C locale.
struct DateFields: Sendable {
  private let components: DateComponents

  /// A fixed time in UTC; nil is now, in local time.
  init(secondsSince1970: Double?) {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = secondsSince1970 == nil ? .current : .gmt
    let date = secondsSince1970.map { Date(timeIntervalSince1970: $0) } ?? Date()
    components = calendar.dateComponents(
      [.year, .month, .day, .hour, .minute, .second, .weekday], from: date)
  }

  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
  ]
  private static let days = [
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday",
  ]

  /// Fields that are not known stay as they stand.
  func formatted(_ format: String) -> String {
    var result = ""
    var scalars = format.unicodeScalars[...]
    while let scalar = scalars.popFirst() {
      guard scalar == "%", let field = scalars.popFirst() else {
        result.unicodeScalars.append(scalar)
        continue
      }
      let unpadded = field == "-" ? scalars.popFirst() : nil
      if let unpadded {
        result += number(unpadded).map { String($0.value) } ?? "%-\(unpadded)"
      } else if let (value, digits) = number(field) {
        let text = String(value)
        result += String(repeating: "0", count: max(0, digits - text.count)) + text
      } else {
        result += name(field) ?? "%\(field)"
      }
    }
    return result
  }

  private func number(_ field: Unicode.Scalar) -> (value: Int, digits: Int)? {
    let hour = components.hour ?? 0
    return switch field {
    case "Y": (components.year ?? 0, 4)
    case "y": ((components.year ?? 0) % 100, 2)
    case "m": (components.month ?? 1, 2)
    case "d": (components.day ?? 1, 2)
    case "H": (hour, 2)
    case "I": ((hour + 11) % 12 + 1, 2)
    case "M": (components.minute ?? 0, 2)
    case "S": (components.second ?? 0, 2)
    default: nil
    }
  }

  private func name(_ field: Unicode.Scalar) -> String? {
    let month = Self.months[((components.month ?? 1) + 11) % 12]
    let day = Self.days[((components.weekday ?? 1) + 6) % 7]
    return switch field {
    case "B": month
    case "b": String(month.prefix(3))
    case "A": day
    case "a": String(day.prefix(3))
    case "p": (components.hour ?? 0) < 12 ? "AM" : "PM"
    case "%": "%"
    default: nil
    }
  }
}
