package import Foundation

/// What a run is doing, as far as its folder tells.
package enum RunState: String, Sendable, CaseIterable {
  case running, finished
  /// Saved on request; goes on when it is started again.
  case stopped
  /// Ended with an error, or its process is gone.
  case failed
  /// Its owner is on another host and has not written for long, or nothing says.
  case unknown
}

extension RunRecord {
  /// The last component of the folder's path.
  package var name: String {
    let path = URL(fileURLWithPath: folder).standardizedFileURL
    return path.lastPathComponent
  }

  /// The newest attempt; nil where `run.json` cannot be read.
  package var life: RunLife? { lives.last }

  /// Of the owner while there is one, else where the newest attempt ran.
  package var host: String? { owner?.host ?? life?.hosts.first }

  package func state(at now: Date = Date()) -> RunState {
    if results != nil { return .finished }
    if let owner {
      switch ownerIsAlive {
      case true: return .running
      case false: return .failed
      default: return silence(since: owner.since, now) <= patience ? .running : .unknown
      }
    }
    switch life?.end?.reason {
    case .complete, .early: return .finished
    case .stopped: return .stopped
    case .failed: return .failed
    // Of versions that did not say how they ended.
    case nil: return checkpoints.isEmpty ? .unknown : .stopped
    }
  }

  /// Seconds since the run was last heard of; nil where no file has a time.
  package func age(at now: Date = Date()) -> Double? {
    lastWritten.map { max(0, now.timeIntervalSince($0)) }
  }

  /// Steps that the run is to have; nil where nothing says.
  package var totalSteps: Int? {
    if let steps = life?.totalSteps, steps > 0 { return steps }
    return settings.number("max_steps").flatMap { Int(exactly: $0) } ?? results?.step
  }

  /// Seconds to the end at the mean pace of the newest records; nil where that cannot be told.
  package var secondsLeft: Double? {
    guard let total = totalSteps, let last = metrics.last(.runtime), last.step < total else {
      return nil
    }
    let newest = metrics[.runtime].suffix(50)
    guard let first = newest.first, first.step < last.step, last.value > first.value else {
      return nil
    }
    let pace = (last.value - first.value) / Double(last.step - first.step)
    return pace * Double(total - last.step)
  }

  private func silence(since start: Date, _ now: Date) -> Double {
    now.timeIntervalSince(max(start, lastWritten ?? start))
  }

  /// Silence of so many seconds is no reason to doubt: a few steps, or evaluations, or the reading
  /// of a large base.
  private var patience: Double {
    let logged = max(1, settings.number("logging_steps") ?? 1)
    let step = logged * (metrics.last(.stepTime)?.value ?? 0)
    return max(600, 5 * step, 3 * (metrics.last(.evalRuntime)?.value ?? 0))
  }
}
