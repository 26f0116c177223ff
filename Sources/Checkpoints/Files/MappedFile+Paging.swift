internal import Glibc

// For files larger than memory: bring a part in before it is needed, let it go when it is done
// with.
extension MappedFile {
  /// Reads `range` into memory and maps it, at the speed of the disk; returns when it is there.
  ///
  /// Reading is asked for some way ahead of the place where pages are mapped, so that the disk
  /// always has work. Throws `unreadable` (74) where the file has become shorter than it was when
  /// it was opened, and on a failure of the disk: errors that an access to the memory would end the
  /// process with.
  package func load(_ range: Range<Int>) throws(CheckpointError) {
    let range = pages(touching: range)
    var asked = range.lowerBound
    for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.piece) {
      while asked < min(range.upperBound, start + Self.ahead) {
        let end = min(range.upperBound, asked + Self.piece)
        advise(MADV_WILLNEED, asked..<end)
        asked = end
      }
      let failure = advise(Self.populateRead, start..<min(range.upperBound, start + Self.piece))
      switch failure {
      case 0, EINVAL: continue  // Linux before 5.14 has been asked to read ahead, no more.
      case EFAULT, EHWPOISON, EIO: throw .unreadable(path: path)
      default: throw .system(failure, "read", path)
      }
    }
  }

  /// Lets the memory of `range` go; the next access reads it again. Never fails.
  ///
  /// - Parameter fromCache: also asks the kernel to forget the pages, which it does with those that
  ///   no process has mapped.
  package func drop(_ range: Range<Int>, fromCache: Bool) {
    let range = wholePages(inside: range)
    advise(MADV_DONTNEED, range)
    guard fromCache, !range.isEmpty else { return }
    file.forget(range)
  }

  /// What the file system says of a file, as far as it tells whether the contents may have changed.
  package struct Status: Equatable, Sendable {
    package fileprivate(set) var size: Int
    /// Seconds and nanoseconds of the last writing, and of the last change of anything.
    fileprivate var modified, changed: [Int]
  }

  /// The status of the very file that is mapped, whatever its path names by now.
  package func status() throws(CheckpointError) -> Status {
    let status = try file.status()
    return Status(
      size: Int(status.st_size), modified: [status.st_mtim.tv_sec, status.st_mtim.tv_nsec],
      changed: [status.st_ctim.tv_sec, status.st_ctim.tv_nsec])
  }

  /// Bytes that are mapped at a time, and how far ahead of them reading is asked for.
  private static let piece = 4 << 20
  private static let ahead = 32 << 20
  /// MADV_POPULATE_READ of Linux 5.14.
  private static let populateRead: Int32 = 22
}
