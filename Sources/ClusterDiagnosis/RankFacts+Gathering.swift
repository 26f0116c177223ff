package import Collectives
internal import Foundation
internal import JSONText

extension RankFacts {
  /// What needs all ranks: clocks, links, signs of life.
  package mutating func measure(_ communicator: Communicator, bytes: Int) throws {
    guard communicator.size > 1 else { return }
    for _ in 0..<5 {
      try communicator.barrier()
      clock.append(Date().timeIntervalSince1970)
    }
    ring = try communicator.measureRing(bytes: bytes).map {
      Ring(latency: $0.latency, bytesPerSecond: $0.bytesPerSecond)
    }
  }

  /// Bytes that this user may still write below `path`; nil where the system does not tell.
  package static func freeBytes(of path: String) -> Int? {
    var info = statvfs()
    guard statvfs(path, &info) == 0 else { return nil }
    let (bytes, overflow) = Int(info.f_bavail).multipliedReportingOverflow(by: Int(info.f_frsize))
    return overflow ? nil : bytes
  }

  /// The facts of all ranks, on all of them.
  package func gathered(_ communicator: Communicator) throws -> [RankFacts] {
    try communicator.allGather(Array(json.text().utf8)).map {
      RankFacts(try JSONValue(parsing: $0))
    }
  }
}
