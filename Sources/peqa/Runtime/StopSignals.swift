internal import Foundation
internal import Synchronization

/// Requests to stop that came as signals.
///
/// TERM also ends the waiting for other ranks, where a `Communicator` has been told of it.
///
/// A command that looks at `received` between its steps calls `install`; for all others the
/// system's defaults hold. Launchers may send the same signal twice, so the handlers only note it.
struct StopSignals: Sendable {
  enum Request: Int32, Sendable {
    /// USR1, USR2: save a checkpoint and leave, to be started again.
    case checkpoint = 75
    /// INT: leave.
    case interrupt = 130
    /// TERM: leave; at once where there may be a second until KILL (`isHurried`).
    case terminate = 143

    var exitCode: Int32 { rawValue }
  }

  /// TERM ends the process after 2 s in any case: nothing that takes longer is to be begun.
  let isHurried: Bool

  /// The most urgent request so far.
  var received: Request? { Request(rawValue: noted.load(ordering: .relaxed)) }

  /// Takes over the four signals. A second INT or TERM ends the process the hard way.
  ///
  /// - Parameter isHurried: false for a command that has something to save after TERM, and nobody
  ///   above it who would not wait for that.
  static func install(isHurried: Bool = true) -> StopSignals {
    // The first access initialises it: not the handler's business.
    _ = noted.load(ordering: .relaxed)
    // SA_RESETHAND, whose type keeps Swift from importing it as a flag.
    let once = Int32(bitPattern: 0x8000_0000)
    unblock([SIGUSR1, SIGUSR2, SIGINT, SIGTERM, SIGALRM])
    handle(SIGUSR1, flags: SA_RESTART) { _ in noteRequest(.checkpoint) }
    handle(SIGUSR2, flags: SA_RESTART) { _ in noteRequest(.checkpoint) }
    handle(SIGINT, flags: SA_RESTART | once) { _ in
      noteRequest(.interrupt)
    }
    // Leaving needs nothing that a kill would not: who does not get to it in time is ended.
    handle(SIGALRM, flags: 0) { _ in _exit(StopSignals.Request.terminate.rawValue) }
    if isHurried {
      handle(SIGTERM, flags: SA_RESTART | once) { _ in
        noteRequest(.terminate)
        alarm(2)
      }
    } else {
      handle(SIGTERM, flags: SA_RESTART | once) { _ in noteRequest(.terminate) }
    }
    return StopSignals(isHurried: isHurried)
  }

  /// A launcher's thread may have blocked them, and a new process inherits that.
  private static func unblock(_ signals: [Int32]) {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in signals { sigaddset(&set, signal) }
    pthread_sigmask(SIG_UNBLOCK, &set, nil)
  }

  private static func handle(
    _ signal: Int32, flags: Int32, _ handler: @escaping @convention(c) (Int32) -> Void
  ) {
    var action = sigaction()
    action.__sigaction_handler.sa_handler = handler
    action.sa_flags = flags
    sigaction(signal, &action, nil)
  }
}

/// The one global of the program: a handler can reach nothing else. 0, or a `Request`; more urgent
/// ones are larger.
private let noted = Atomic<Int32>(0)

private func noteRequest(_ request: StopSignals.Request) {
  _ = noted.max(request.rawValue, ordering: .relaxed)
}
