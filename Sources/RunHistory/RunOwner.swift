package import Foundation

/// Who writes to an output folder: the text of its `.lock`.
package struct RunOwner: Sendable, Equatable, CustomStringConvertible {
  package var host: String
  package var process: Int
  /// When it began.
  package var since: Date
  /// Random; tells two attempts of one process number apart.
  package var attempt: String

  package init(host: String, process: Int, since: Date, attempt: String) {
    (self.host, self.process, self.since, self.attempt) = (host, process, since, attempt)
  }

  package var description: String {
    "host \(host), process \(process), since \(since.formatted(.iso8601)), attempt \(attempt)"
  }

  /// Nil where the text is none of these, as where the lock was given back.
  package init?(parsing text: String) {
    let names = ["host ", "process ", "since ", "attempt "]
    let parts = text.trimmingCharacters(in: .whitespacesAndNewlines).components(separatedBy: ", ")
    guard parts.count == names.count, zip(parts, names).allSatisfy({ $0.hasPrefix($1) }) else {
      return nil
    }
    let values = zip(parts, names).map { String($0.dropFirst($1.count)) }
    guard let process = Int(values[1]), process > 0, let since = moment(of: values[2]) else {
      return nil
    }
    self.init(host: values[0], process: process, since: since, attempt: values[3])
  }

  /// Whether the process is there; nil where it is one of another host.
  package func isAlive(onHost here: String = ProcessInfo.processInfo.hostName) -> Bool? {
    guard host == here, let process = Int32(exactly: process) else { return nil }
    // EPERM: it is there and belongs to somebody else.
    return kill(process, 0) == 0 || errno == EPERM
  }
}

/// A moment as files have it, such as `2025-03-01T12:00:00Z`; nil for anything else.
package func moment(of text: String) -> Date? { try? Date(text, strategy: .iso8601) }
