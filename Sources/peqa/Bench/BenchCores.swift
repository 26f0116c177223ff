internal import ArgumentParser
internal import JSONText
internal import Kernels
internal import Machine
internal import Reporting
internal import Training

/// What a step would take with more threads than this machine has cores.
struct BenchCores: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "cores",
    abstract: "Cut a step for many threads, time each part alone on one core, and add up.",
    discussion: """
      The step runs as with --threads-per-rank threads, but one thread does all parts, one after the \
      other. A step then takes what is done outside of jobs, plus for each job the time of the \
      thread that would be last, plus the time to hand the job over. That is measured with two \
      threads and counted for each further one, since they take turns at the same counter. \
      Not seen: caches and memory that threads share. On a machine with that many cores, \
      peqa bench step tells the truth.
      """)

  @OptionGroup var baseOptions: BenchBaseOptions
  @OptionGroup var stepOptions: StepOptions
  @OptionGroup var options: BenchOptions

  @Option(help: "Numbers of threads.")
  var threadsPerRank = NumberList(1, 8, 16, 32, 64)

  @Option(help: "Numbers in matrix products: auto, fp32, bf16 or int8.")
  var dtype = ComputeType.auto

  func validate() throws {
    guard threadsPerRank.values.allSatisfy({ (1...1024).contains($0) }) else {
      throw ValidationError("--threads-per-rank must be from 1 to 1024.")
    }
  }

  func run() throws {
    let limits = try options.ratioLimits()
    let arithmetic = try KernelChoice.arithmetic(dtype)
    let handOver = Self.handOver()
    try baseOptions.withModel(options.console) { model, signals in
      let counts = threadsPerRank.values
      let line = ProgressLine(
        options.console, "steps", total: counts.count * (options.repetitions + 1))
      var steps: [CutStep] = []
      for threads in counts {
        let times = PartTimes(threads: threads)
        let compute = try KernelChoice.compute(WorkerPool(timing: times), arithmetic)
        let run = try StepRun(model, compute, stepOptions.settings)
        var step = CutStep(threads: threads, tokens: run.tokens, handOver: handOver)
        for turn in 0...options.repetitions {
          times.reset()
          let clock = Stopwatch()
          try run.take(counted: turn > 0, signals)
          if turn > 0 { step.add(times, seconds: clock.seconds) }
          line.update(steps.count * (options.repetitions + 1) + turn + 1)
        }
        steps.append(step)
      }
      options.show(
        CutStep.table(steps),
        context: [
          .init(key: "hand_over_nanoseconds", value: .real(handOver * 1e9)),
          .init(key: "dtype", value: .string(dtype.rawValue)),
        ])
      try options.hold(CutStep.ratios(steps), to: limits)
    }
  }

  /// Seconds for which a job with nothing to do keeps the caller, for one helper: the least of many
  /// short rounds, since whatever else the machine does only adds to it.
  private static func handOver() -> Double {
    let pool = WorkerPool(threads: 2)
    let jobs = 20
    return (0..<2000).map { _ in
      let clock = Stopwatch()
      for _ in 0..<jobs { pool.parallelFor(2) { _ in } }
      return clock.seconds / Double(jobs)
    }.min() ?? 0
  }
}

/// Measurements of a step that was cut for some threads.
private struct CutStep {
  let threads: Int
  let tokens: Int
  let handOver: Double
  private var jobs = 0
  private var parts = 0
  private var work: [Double] = []
  private var outside: [Double] = []
  private var seconds: [Double] = []

  init(threads: Int, tokens: Int, handOver: Double) {
    (self.threads, self.tokens, self.handOver) = (threads, tokens, handOver)
  }

  mutating func add(_ times: PartTimes, seconds whole: Double) {
    (jobs, parts) = (times.jobs, times.parts)
    work.append(times.work)
    outside.append(whole - times.work)
    seconds.append(whole - times.work + times.span + handedOver)
  }

  private var handedOver: Double { Double(jobs * (threads - 1)) * handOver }

  /// The least of the repetitions, here and below: whatever else the machine does meets one part,
  /// and holds up all threads.
  private var predicted: Double { Spread(seconds).least }

  /// Of `threads` times as fast as one.
  private func efficiency(by one: CutStep) -> Double {
    one.predicted * Double(one.threads) / (predicted * Double(threads))
  }

  static func table(_ steps: [CutStep]) -> MeasurementTable {
    var table = MeasurementTable([
      ("threads", "threads"), ("tokens_per_second_best", "tok/s"),
      ("seconds_per_step", "s/step"), ("efficiency", "efficiency"), ("jobs", "jobs"),
      ("parts", "parts"), ("work_seconds", "work, s"), ("outside_seconds", "outside, s"),
      ("hand_over_seconds", "hand-over, s"),
    ])
    for step in steps {
      table.add([
        .integer(step.threads), .real(Double(step.tokens) / step.predicted, digits: 1),
        .real(step.predicted, digits: 4), .real(step.efficiency(by: steps[0]), digits: 3),
        .integer(step.jobs), .integer(step.parts), .real(Spread(step.work).least, digits: 3),
        .real(Spread(step.outside).least, digits: 4), .real(step.handedOver, digits: 4),
      ])
    }
    return table
  }

  static func ratios(_ steps: [CutStep]) -> [MeasuredRatio] {
    steps.dropFirst().map {
      .init("efficiency_of_threads", "\($0.threads) threads", $0.efficiency(by: steps[0]))
    }
  }
}
