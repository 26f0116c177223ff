internal import Training

/// Brings the runs of a sweep from rung to rung.
///
/// Nothing is remembered but what lies in the folder. At every start the rungs are gone through
/// from the first: runs that are there already are not started, so an interrupted sweep goes on
/// where it was, and decides as it did.
package final class Sweep {
  package enum Event {
    /// A rung begins: its step (nil for the end), settings that are left, runs that are not there.
    case rung(step: Int?, settings: Int, pending: Int)
    /// `number` counts the runs of the rung that are started, from 1.
    case begins(SweepPlan.Run, step: Int?, number: Int, of: Int)
    case reached(SweepPlan.Run, score: Double?, seconds: Double)
    case failed(SweepPlan.Run, code: Int32, message: String)
    /// Somebody else trains the run at this moment.
    case waits(SweepPlan.Run, owner: String)
    case queued(job: String, runs: Int)
  }

  let plan: SweepPlan
  let folder: SweepFolder
  let launcher: RunLauncher
  let settings: SweepSettings
  let report: (Event) -> Void
  /// Seconds between looks at a queue.
  package var queueInterval = 10.0
  /// Slurm has answered before.
  var hasSeenQueue = false
  /// By number of the run; read again after a start.
  private var standings: [Int: RunStanding] = [:]

  package init(
    _ plan: SweepPlan, in folder: SweepFolder, launcher: RunLauncher, settings: SweepSettings,
    report: @escaping (Event) -> Void
  ) {
    (self.plan, self.folder, self.launcher, self.settings) = (plan, folder, launcher, settings)
    self.report = report
  }

  /// - Throws: `SweepError.stopped` on a signal, `runLost`, `nothingLeft`.
  package func callAsFunction() throws -> SweepResults {
    var left = Array(plan.settings.indices)
    var ends = [String?](repeating: nil, count: plan.settings.count)
    for (index, step) in (plan.rungs.map { Int?.some($0) } + [nil]).enumerated() {
      try bring(left, to: step, rung: index)
      let scores = left.map { (number: $0, score: score($0, at: step)) }
      let kept =
        step == nil ? Halving.ranking(scores) : Halving.survivors(scores, eta: plan.eta)
      guard !kept.isEmpty else { throw nothingLeft }
      for (setting, score) in scores where !kept.contains(setting) {
        ends[setting] = score == nil ? "failed" : step.map { "ended at \($0)" }
      }
      left = kept
    }
    return results(ranked: left, ends: ends)
  }

  private var nothingLeft: SweepError {
    .nothingLeft(folder: folder.path, code: folder.failures.values.map(\.code).max() ?? 1)
  }

  /// Mean over the seeds; nil where one of them has failed.
  private func score(_ setting: Int, at step: Int?) -> Double? {
    let runs = plan.settings[setting]
    let scores = runs.compactMap { standing($0).score(plan.metric, at: step) }
    return scores.count == runs.count ? scores.reduce(0, +) / Double(runs.count) : nil
  }

  func standing(_ run: Int) -> RunStanding {
    if let known = standings[run] { return known }
    let found = RunStanding.ofRun(in: plan.runs[run].config.outputDirectory)
    standings[run] = found
    return found
  }

  func forget(_ run: Int) { standings[run] = nil }

  /// Runs of these settings that are not there and have not failed. Where one seed of a setting has
  /// failed, the others need not go on.
  func pending(_ settings: [Int], at step: Int?) -> [Int] {
    settings.map { plan.settings[$0] }.filter { runs in
      !runs.contains { folder.failures[plan.runs[$0].name] != nil && !isThere($0, at: step) }
    }.flatMap { $0 }.filter { !isThere($0, at: step) }
  }

  func isThere(_ run: Int, at step: Int?) -> Bool {
    standing(run).score(plan.metric, at: step) != nil
  }

  private func bring(_ settings: [Int], to step: Int?, rung: Int) throws {
    let runs = pending(settings, at: step)
    report(.rung(step: step, settings: settings.count, pending: runs.count))
    if let options = self.settings.slurm {
      return try queue(settings, to: step, rung: rung, options)
    }
    for (index, run) in runs.enumerated() {
      // A seed before it may have failed.
      let setting = plan.runs[run].setting
      guard pending([setting], at: step).contains(run) else { continue }
      try train(run, to: step) {
        report(.begins(plan.runs[run], step: step, number: index + 1, of: runs.count))
      }
    }
  }

  /// On this machine, as often as is allowed.
  private func train(_ number: Int, to step: Int?, begins: () -> Void) throws {
    let run = plan.runs[number]
    for attempt in 0...settings.retries {
      try wait(for: number)
      if isThere(number, at: step) { return }
      if attempt == 0 { begins() }
      try folder.writeRunFile(run)
      let clock = ContinuousClock.now
      let code = try launcher.train(folder.runFile(run), upTo: step, log: folder.log(run))
      forget(number)
      let seconds = (ContinuousClock.now - clock) / .seconds(1)
      if isThere(number, at: step) {
        let score = standing(number).score(plan.metric, at: step)
        return report(.reached(run, score: score, seconds: seconds))
      }
      switch Ending(code) {
      case .mayPass: continue
      case .interrupted: throw SweepError.stopped(code: code)
      case .launcher:
        throw SweepError.noLauncher("\(run.name): \(folder.lastWords(run))")
      case .final: return try fail(run, code)
      }
    }
    throw SweepError.runLost(name: run.name, code: 75, log: folder.log(run))
  }

  func fail(_ run: SweepPlan.Run, _ code: Int32, _ reason: String? = nil) throws {
    let message =
      reason
      ?? (code == 0
        ? "the trainer has ended with 0, but left no \(plan.metric.rawValue) to judge it by"
        : folder.lastWords(run))
    try folder.note(.init(code: code == 0 ? 70 : code, message: message), of: run)
    report(.failed(run, code: code, message: message))
  }

  /// Until nobody else trains the run: a trainer outlives a sweep that was killed.
  private func wait(for number: Int) throws {
    let run = plan.runs[number]
    var isFirst = true
    while let owner = RunLock.owner(ofRun: run.config.outputDirectory) {
      if isFirst { report(.waits(run, owner: owner)) }
      isFirst = false
      try launcher.pause(seconds: 1)
      forget(number)
    }
  }
}

/// What an exit code of the trainer means for a sweep.
private enum Ending {
  /// Another start may do better: as in launch/steps/supervision.sh.
  case mayPass
  /// This run will not do, others may.
  case final
  /// None will.
  case launcher
  case interrupted

  init(_ code: Int32) {
    switch code {
    case 71, 74, 75, 205, 132...137, 139: self = .mayPass
    case 69: self = .launcher
    case 130, 143: self = .interrupted
    default: self = .final
    }
  }
}
