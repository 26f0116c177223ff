internal import Foundation

/// Bytes that this process has had read from disks, page faults and reading ahead included; nil
/// where the kernel does not count them.
package func bytesReadFromDisk() -> Int? {
  let text = (try? String(contentsOfFile: "/proc/self/io", encoding: .utf8)) ?? ""
  let line = text.split(separator: "\n").first { $0.hasPrefix("read_bytes:") }
  return line?.split(separator: " ").last.flatMap { Int($0) }
}
