package import JSONText

/// One thing that `peqa doctor` has looked at.
package struct Finding: Equatable, Sendable {
  package enum Level: String, Sendable { case ok, warning, error }

  package enum Check: String, Sendable, CaseIterable {
    case launcher, threads, network, clock, folder, disk, memory, kernels, versions, base, ring
  }

  package var check: Check
  package var level: Level
  package var what: String
  /// Ranks and hosts that it is about; empty for all.
  package var location: String
  /// What to do; empty where nothing is to be done.
  package var remedy: String
  /// What the program would leave with: 0 unless `level` is `.error`.
  package var exitCode: Int32

  package static func ok(_ check: Check, _ what: String) -> Finding {
    Finding(check: check, level: .ok, what: what, location: "", remedy: "", exitCode: 0)
  }

  package static func warning(
    _ check: Check, _ what: String, at location: String = "", remedy: String
  ) -> Finding {
    Finding(
      check: check, level: .warning, what: what, location: location, remedy: remedy, exitCode: 0)
  }

  package static func error(
    _ check: Check, _ what: String, at location: String = "", remedy: String, exitCode: Int32
  ) -> Finding {
    Finding(
      check: check, level: .error, what: what, location: location, remedy: remedy,
      exitCode: exitCode)
  }

  package var json: JSONValue {
    [
      "check": .string(check.rawValue), "level": .string(level.rawValue), "what": .string(what),
      "where": .string(location), "remedy": .string(remedy), "exit_code": .integer(Int(exitCode)),
    ]
  }
}
