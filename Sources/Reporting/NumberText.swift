internal import Foundation

/// A number with so many digits after the point, whatever the locale.
package func fixed(_ number: Double, digits: Int) -> String {
  String(format: "%.\(digits)f", locale: Locale(identifier: "en_US_POSIX"), number)
}

/// A number with so many significant digits, whatever the locale.
package func significant(_ number: Double, digits: Int) -> String {
  String(format: "%.\(digits)g", locale: Locale(identifier: "en_US_POSIX"), number)
}

/// A count with its noun: `1 step`, `2 steps`.
package func counted(_ number: Int, _ noun: String) -> String {
  "\(number) \(noun)\(number == 1 ? "" : "s")"
}

/// `1.5 KB`, `92.0 MB`, `3.77 GB`; powers of ten, as disks and papers count.
package func megabytes(_ bytes: Int) -> String {
  switch bytes {
  case ..<1_000_000: "\(fixed(Double(bytes) / 1e3, digits: 1)) KB"
  case ..<1_000_000_000: "\(fixed(Double(bytes) / 1e6, digits: 1)) MB"
  default: "\(fixed(Double(bytes) / 1e9, digits: 2)) GB"
  }
}

/// `4s`, `2m05s`, `3h07m`, `12d04h`; `?` for what is no time.
package func durationText(_ seconds: Double) -> String {
  guard seconds.isFinite, seconds < 1e9 else { return "?" }
  let whole = Int(max(seconds, 0).rounded())
  func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
  if whole < 60 { return "\(whole)s" }
  if whole < 3600 { return "\(whole / 60)m\(two(whole % 60))s" }
  if whole < 10 * 86_400 { return "\(whole / 3600)h\(two(whole / 60 % 60))m" }
  return "\(whole / 86_400)d\(two(whole / 3600 % 24))h"
}

/// What a size such as `1.9GB`, `500 MiB` or `1000` says: whole bytes, rounded down. KB, MB, GB and
/// TB are powers of ten, KiB, MiB, GiB and TiB of 1024; nil for anything else, and beyond 2^63.
package func byteCount(of text: String) -> Int? {
  let digits = text.prefix { $0.isASCII && $0.isNumber || $0 == "." }
  let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
  let unit = text.dropFirst(digits.count).trimmingCharacters(in: .whitespaces).uppercased()
  guard (1...2).contains(parts.count), var size = byteUnits[unit] else { return nil }
  let fraction = parts.count == 2 ? parts[1] : ""
  guard !parts[0].isEmpty || !fraction.isEmpty, let whole = Decimal(string: "0" + digits) else {
    return nil
  }
  size *= whole
  var rounded = Decimal()
  NSDecimalRound(&rounded, &size, 0, .down)
  return rounded < Decimal(Int.max) ? Int("\(rounded)") : nil
}

private let byteUnits: [String: Decimal] = {
  var units: [String: Decimal] = ["": 1, "B": 1]
  for (index, letter) in "KMGT".enumerated() {
    units["\(letter)B"] = pow(1000, index + 1)
    units["\(letter)IB"] = pow(1024, index + 1)
  }
  return units
}()
