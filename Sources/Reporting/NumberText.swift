internal import Foundation

/// A number with so many digits after the point, whatever the locale.
package func fixed(_ number: Double, digits: Int) -> String {
  String(format: "%.\(digits)f", locale: Locale(identifier: "en_US_POSIX"), number)
}

/// `1.5 KB`, `92.0 MB`, `3.77 GB`; powers of ten, as disks and papers count.
package func megabytes(_ bytes: Int) -> String {
  switch bytes {
  case ..<1_000_000: "\(fixed(Double(bytes) / 1e3, digits: 1)) KB"
  case ..<1_000_000_000: "\(fixed(Double(bytes) / 1e6, digits: 1)) MB"
  default: "\(fixed(Double(bytes) / 1e9, digits: 2)) GB"
  }
}
