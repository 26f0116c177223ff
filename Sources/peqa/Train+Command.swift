internal import ArgumentParser
internal import Collectives
internal import Foundation
internal import JSONText
internal import Reporting
internal import RunHistory
internal import Training

/// `peqa train`: tunes the scales of a base on a data set.
struct Train: RankedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Fine-tune the scales of a base.",
    usage: "peqa train RUN.yaml [--set key=value ...] [--any-key value ...] [--dry-run] [--json]",
    discussion: """
      Every key of a run file is a flag too: learning_rate is --learning-rate. A flag counts before \
      --set, and that before the run file. It runs alone or under mpirun.

      An unfinished run in output_dir is continued from its last checkpoint, on any number of ranks.

      The keys of a run file, as flags ("peqa config" prints their types and defaults):

      \(ConfigKey.help(columns: 78))
      """)

  @Option(name: .customLong("set"), help: "A setting that overrides the run file, key=value.")
  var settings: [String] = []

  @Flag(help: "Show the resolved run, samples with their loss mask and the plan; train nothing.")
  var dryRun = false

  @Argument(parsing: .allUnrecognized, help: "The run file, then settings as --key value.")
  var arguments: [String] = []

  @OptionGroup var output: OutputOptions
  @OptionGroup var verbosity: VerbosityOptions

  func run(on rank: RankContext) throws {
    let signals = StopSignals.install(isHurried: Launcher().killsSoon)
    rank.communicator.interruption = {
      signals.received == .terminate ? StopSignals.Request.terminate.exitCode : nil
    }
    let file = arguments.first.flatMap { $0.hasPrefix("-") ? nil : $0 }
    var resolved = try resolve(file, rank)
    rank.communicator.timeout = resolved.config.commTimeout
    try checkHeartbeats(&resolved.config, rank)
    let setup = try TrainSetup(resolved.config, rank, signals)
    if dryRun { return DryRun(setup, rank).show(json: output.json) }

    var run = try setup.run()
    run.configText = resolved.text
    run.stopRequested = { try Self.shouldStop(signals) }
    run.describe = { Failure.cause(of: $0) }
    var display = TrainDisplay(rank.console)
    var hasEnded = false
    run.report = { event in
      if case .ended = event { hasEnded = true }
      display.show(event)
    }
    let page = RunReport(setup: setup, signals: signals)
    let outcome: TrainOutcome
    do {
      outcome = try FailureLog.keeping(in: resolved.config.outputDirectory) {
        try TrainLoop(run)()
      }
    } catch {
      if hasEnded { _ = page.write(isFinished: false) }
      throw error
    }
    try finish(outcome, page, signals, rank.console)
  }

  private func finish(
    _ outcome: TrainOutcome, _ page: RunReport, _ signals: StopSignals, _ console: Console
  ) throws {
    switch outcome {
    case .finished(let results):
      report(results, page: page.write(isFinished: true), console)
    case .paused(let step, let checkpoint):
      _ = page.write(isFinished: false)
      console.log(
        "stop_at_step: saved \(checkpoint) at step \(step); a later or no stop_at_step goes on")
    case .stopped(let step, let checkpoint):
      _ = page.write(isFinished: false)
      console.log("saved \(checkpoint) at step \(step); start again to continue")
      throw ExitCode(signals.received?.exitCode ?? StopSignals.Request.checkpoint.exitCode)
    }
  }

  /// Without signs of life a slow rank looks like a dead one, and rank 0 cannot hand out work.
  private func checkHeartbeats(_ config: inout RunConfig, _ rank: RankContext) throws {
    let unheard = try rank.communicator.unheardRanks(within: min(3, config.commTimeout / 2))
    guard !unheard.isEmpty else { return }
    let names = unheard.map { rank.communicator.name(ofRank: $0) }.joined(separator: ", ")
    rank.console.warn(
      "no signs of life (UDP) come through from \(names): a rank that computes for longer than "
        + "comm_timeout, \(config.commTimeout) s, will be taken for dead. Open UDP between the hosts, "
        + "or raise comm_timeout above the longest step.")
    if config.workSchedule == .dynamic {
      rank.console.warn("schedule: dynamic needs them; this start uses schedule: static")
      config.workSchedule = .static
    }
  }

  /// USR1, USR2 and INT save first, and TERM where nobody hurries: below mpirun there is no time.
  private static func shouldStop(_ signals: StopSignals) throws -> Bool {
    guard let request = signals.received else { return false }
    if request == .terminate, signals.isHurried { throw ExitCode(request.exitCode) }
    return true
  }

  /// A job that Slurm starts again goes on, whatever its run file says of the first start.
  private static var isRestart: Bool {
    (ProcessInfo.processInfo.environment["SLURM_RESTART_COUNT"].flatMap { Int($0) } ?? 0) > 0
  }

  /// The resolved run, and on rank 0 the text of its file.
  private func resolve(
    _ path: String?, _ rank: RankContext
  ) throws -> (config: RunConfig, text: String?) {
    var text: String?
    let config = try rank.shareConfig {
      var raw = RawConfig()
      if let path { text = try raw.read(file: path) }
      raw.set(settings)
      raw.read(flags: path == nil ? arguments : Array(arguments.dropFirst()))
      var resolved = try raw.resolved(ranks: rank.communicator.size)
      if Self.isRestart, resolved.config.resume != .auto {
        resolved.notices.append(
          "resume: auto, because Slurm has started this job again (SLURM_RESTART_COUNT)")
        resolved.config.resume = .auto
      }
      for line in resolved.notices { rank.console.log(line) }
      for line in resolved.warnings { rank.console.warn(line) }
      return resolved.config
    }
    return (config, text)
  }

  private func report(_ results: TrainResults, page: String?, _ console: Console) {
    if output.json { return console.result(results.json.text(indent: 2)) }
    func text(_ value: Double?) -> String { value.map { "\($0)" } ?? "-" }
    console.result("adapter     \(results.adapterFolder)")
    console.result(
      "steps       \(results.step) (\(results.reason.rawValue)), "
        + durationText(results.runtime))
    console.result("train loss  \(text(results.trainLoss))")
    if results.evalLoss != nil {
      console.result("eval loss   \(text(results.evalLoss)), best \(text(results.bestMetric))")
    }
    if let tasks = results.tasks { console.result("tasks       \(TrainDisplay.text(tasks))") }
    if let page { console.result("report      \(page)") }
  }
}

/// Shows the events of a run as they come.
struct TrainDisplay {
  private let console: Console
  private var progress: ProgressLine?

  init(_ console: Console) { self.console = console }

  mutating func show(_ event: TrainEvent) {
    switch event {
    case .notice(let text): console.log(text)
    case .step(let step):
      let line =
        progress ?? ProgressLine(console, "step", total: step.totalSteps, first: step.step)
      progress = line
      if step.step == step.totalSteps {
        line.finish(step.step, step.facts)
      } else {
        line.update(step.step, step.facts)
      }
    case .evaluated(let step, let loss, let perplexity, let best):
      console.log(
        "step \(step): eval_loss \(loss), perplexity \(perplexity)\(best ? ", the best so far" : "")"
      )
    case .measured(let step, let scores):
      console.log("step \(step): \(Self.text(scores))")
    case .saved(let path): console.detail("saved \(path)")
    case .ended: break
    }
  }

  /// `piqa/acc 0.6120 +- 0.0114, ...` of scores and their errors.
  static func text(_ scores: JSONValue) -> String {
    (scores.members ?? []).compactMap { score in
      guard let value = score.value.double, !score.key.hasSuffix(TaskCurve.errorSuffix) else {
        return nil
      }
      let error = scores[score.key + TaskCurve.errorSuffix]?.double.map {
        " +- \(fixed($0, digits: 4))"
      }
      return "\(score.key) \(fixed(value, digits: 4))" + (error ?? "")
    }.joined(separator: ", ")
  }
}
