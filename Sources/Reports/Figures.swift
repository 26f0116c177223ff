internal import Foundation
internal import Reporting

/// Numbers as people read them.
enum Figures {
  /// `266,981`.
  static func count(_ number: Int) -> String {
    let digits = Array(String(number.magnitude))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return (number < 0 ? "\u{2212}" : "") + text
  }

  /// A count that a file gave as a number: nothing keeps it within whole numbers.
  static func count(_ number: Double) -> String {
    abs(number) < 1e15 ? count(Int(number)) : short(number)
  }

  /// A count with its noun: `1 step`, `2 steps`.
  static func count(_ number: Int, _ noun: String) -> String {
    "\(count(number)) \(noun)\(number == 1 ? "" : "s")"
  }

  /// So many significant digits, without an exponent where it can be read well.
  static func short(_ number: Double, digits: Int = 3) -> String {
    guard number.isFinite else { return "-" }
    guard number != 0 else { return "0" }
    let exponent = Int(log10(abs(number)).rounded(.down))
    if exponent < -4 || exponent > 8 {
      let mantissa = trimmed(fixed(number / pow(10, Double(exponent)), digits: digits - 1))
      return minus("\(mantissa)e\(exponent)")
    }
    let decimals = max(0, digits - 1 - exponent)
    let text = fixed(number, digits: decimals)
    if decimals == 0, let whole = Int(text) { return count(whole) }
    return minus(trimmed(text))
  }

  /// `3.52`: always so many digits behind the point, for columns.
  static func exact(_ number: Double, _ digits: Int) -> String {
    number.isFinite ? minus(fixed(number, digits: digits)) : "-"
  }

  /// A share of 1 as `12.3 %`.
  static func percent(_ share: Double) -> String { "\(short(share * 100))\u{A0}%" }

  /// Seconds as `38 s`, `12 min 5 s`, `3 h 20 min`, `2 d 4 h`.
  static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds >= 0, seconds < 1e10 else { return "-" }
    if seconds < 1 { return "\(short(seconds, digits: 2)) s" }
    let whole = Int(seconds.rounded())
    let (days, hours, minutes) = (whole / 86400, whole / 3600 % 24, whole / 60 % 60)
    if days > 0 { return "\(days) d \(hours) h" }
    if hours > 0 { return "\(hours) h \(minutes) min" }
    return minutes > 0 ? "\(minutes) min \(whole % 60) s" : "\(whole) s"
  }

  /// `2.1 MB`; powers of ten.
  static func bytes(_ count: Int) -> String {
    count < 1000
      ? "\(count)\u{A0}bytes" : megabytes(count).replacingOccurrences(of: " ", with: "\u{A0}")
  }

  /// `2025-03-01 12:00 UTC`.
  static func time(_ date: Date?) -> String {
    guard let date else { return "-" }
    let text = date.formatted(.iso8601)
    return text.prefix(10) + " " + text.dropFirst(11).prefix(5) + " UTC"
  }

  /// A word of a shell's command line.
  static func shell(_ word: String) -> String {
    let plain = word.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
      default: "/._-+=:,@%".utf8.contains(byte)
      }
    }
    if plain, !word.isEmpty { return word }
    return "'" + word.replacingOccurrences(of: "'", with: "'\\''") + "'"
  }

  private static func trimmed(_ text: String) -> String {
    guard text.contains(".") else { return text }
    let kept = text.reversed().drop { $0 == "0" }
    return String(kept.drop { $0 == "." }.reversed())
  }

  private static func minus(_ text: String) -> String {
    text.hasPrefix("-") ? "\u{2212}" + text.dropFirst() : text
  }
}
