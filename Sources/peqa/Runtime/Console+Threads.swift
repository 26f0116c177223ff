internal import Foundation
internal import Machine

extension Console {
  /// Threads of a command that runs alone: those that were asked for, else what this process may
  /// use; says where a variable is no number.
  func threads(_ asked: Int?) -> Int {
    if let asked { return asked }
    let count = ThreadCount.resolve(
      environment: ProcessInfo.processInfo.environment, cpus: AllowedCPUs(), ranksSharingMask: 1,
      ranksOnNode: 1)
    for line in count.warnings { warn(line) }
    return count.count
  }
}
