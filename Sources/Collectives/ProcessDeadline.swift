internal import Foundation
internal import Machine
internal import Synchronization

/// Ends the process unless it is met in time: for MPI calls that block, and that only a thread
/// which is not in them can give up.
final class ProcessDeadline: Sendable {
  private let isMet = Mutex(false)

  /// - Parameters:
  ///   - code: what the process returns.
  ///   - text: what it says.
  init(seconds: Double, code: Int32, text: String) {
    let end = Stopwatch.now() + seconds
    // It holds this object, so a deadline that nobody keeps still counts.
    let thread = Thread { [self] in
      Self.blockSignals()
      while !isMet.withLock({ $0 }) {
        if Stopwatch.now() > end { Self.leave(code, text) }
        usleep(20_000)
      }
    }
    thread.stackSize = 1 << 20
    thread.start()
  }

  func meet() { isMet.withLock { $0 = true } }

  /// Signals are for the thread that works.
  static func blockSignals() {
    var all = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_BLOCK, &all, nil)
  }

  private static func leave(_ code: Int32, _ text: String) -> Never {
    let line = Array("peqa: \(text)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    _exit(code)
  }
}
