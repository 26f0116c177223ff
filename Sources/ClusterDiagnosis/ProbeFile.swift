package import Checkpoints
internal import Foundation

/// A file by which ranks find out whether they see the same folder: it consists of one byte again
/// and again, so that a reader can tell whether it is whole.
package struct ProbeFile {
  package let path: String

  private static let size = 1 << 14
  /// A caching network file system may show a new file some seconds late.
  package static let patience = 3.0

  package init(path: String) { self.path = path }

  /// Whether the file of zeros is there, at once or a little later.
  func isSoonSeen(within patience: Double = ProbeFile.patience) -> Bool {
    let clock = ContinuousClock()
    let end = clock.now + .seconds(patience)
    while contents() != 0 {
      guard clock.now < end else { return false }
      usleep(5000)
    }
    return true
  }

  /// The error where it cannot be written.
  package func write(_ byte: UInt8) -> CheckpointError? {
    do throws(CheckpointError) {
      try OpenFile(path, .replacing).write([UInt8](repeating: byte, count: Self.size))
      return nil
    } catch {
      return error
    }
  }

  /// The byte that the whole file consists of; nil where it is not there or not whole.
  func contents() -> UInt8? {
    guard let bytes = try? OpenFile.contents(of: path), bytes.count == Self.size else { return nil }
    return bytes.allSatisfy { $0 == bytes[0] } ? bytes[0] : nil
  }

  func remove() { unlink(path) }
}

extension ProbeFile {
  /// The lowest rank whose file is seen; nil for none.
  ///
  /// Only the first one is given time: where that does not come, others have had as long.
  package static func lowestSeen(
    _ files: [(rank: Int, file: ProbeFile)], patience: Double = ProbeFile.patience
  ) -> Int? {
    guard let first = files.first else { return nil }
    if first.file.isSoonSeen(within: patience) { return first.rank }
    return files.first { $0.file.contents() == 0 }?.rank
  }
}
