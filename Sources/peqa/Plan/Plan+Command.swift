internal import ArgumentParser
internal import DecoderModel
internal import Foundation
internal import JSONText
internal import Kernels
internal import Machine
internal import Planning
internal import Training

/// `peqa plan`: what a run will take, before anything is bought, quantized or queued.
struct Plan: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Predict memory, disk, traffic and time of a run.",
    discussion: """
      The model may be a base, a folder with a config.json, or the name of a shape: \
      \(DecoderConfig.presets.map(\.name).joined(separator: ", ")). Nothing of it need be on \
      this machine. Without --cluster the plan is for this machine, and without a run file for a run \
      with the default of every setting.

      Exit code 78 where no setting fits.
      """)

  @Argument(help: "The run file; may be left out where --model says for what.")
  var runFile: String?

  @Option(help: "A base, a model or the name of a shape, in place of the run file's.")
  var model: String?

  @Option(help: "Cluster file (see clusterconfigs/). Without it: this machine.")
  var cluster: String?

  @Option(name: .customLong("set"), help: "A setting that overrides the run file, key=value.")
  var settings: [String] = []

  @Option(help: "Ranks on this machine, where no cluster file says so.")
  var ranks: Int?

  @Option(
    help: "1e9 operations per second of a core, in place of a measurement or the cluster file.")
  var coreGflops: Double?

  @OptionGroup var output: OutputOptions
  @OptionGroup var verbosity: VerbosityOptions

  func validate() throws {
    if runFile == nil, model == nil { throw ValidationError("Give a run file or --model.") }
    if let ranks, ranks < 1 { throw ValidationError("--ranks must be at least 1.") }
    if let coreGflops, coreGflops <= 0 { throw ValidationError("--core-gflops must be positive.") }
    if ranks != nil, cluster != nil {
      throw ValidationError("--ranks is for this machine; a cluster file has ranks_per_node.")
    }
  }

  func run() throws {
    let console = Console(verbosity: verbosity.level)
    let signals = StopSignals.install()
    var machine = try cluster.map { try ClusterDescription(file: $0) } ?? ClusterDescription()
    var raw = RawConfig()
    if let runFile {
      _ = try raw.read(file: runFile)
    } else {
      // What a run must have and a plan does not look at.
      raw.set(["datasets=[{path: any, type: text}]", "output_dir=any"])
    }
    raw.set(model.map { ["model=\($0)"] } ?? [])
    raw.set(settings)
    if let ranks { machine.ranksPerNode = ranks }
    let resolved = try raw.resolved(ranks: machine.nodes * machine.ranksPerNode)
    for warning in resolved.warnings { console.warn(warning) }
    let config = resolved.config
    let model = try PlannedModel(config)
    let faults = model.faults(config.scaleTraining)
    if !faults.isEmpty { throw TrainingError.config(faults) }
    let here = ThreadCount.ofOneProcess(console).count
    var planned = try Self.cluster(machine, config, threadsHere: here)
    var measured: MeasuredRate?
    if let rate = coreGflops ?? machine.coreGigaflops {
      planned.threadRate = rate * 1e9
    } else {
      // All ranks of the node compute at a time, and share what cores share.
      let threads = min(here, planned.threadsPerRank)
      let rate = try RateMeasurement(
        model: model, run: config, ranks: min(planned.ranksPerNode, max(1, here / threads)),
        threadsPerRank: threads, console: console, signals: signals
      ).measure()
      planned.threadRate = rate.threadRate
      measured = rate
    }
    let report = PlanReport(
      model: model, run: config, cluster: planned, described: machine, measured: measured)
    if output.json {
      console.result(report.json.text(indent: 2))
    } else {
      for line in report.lines { console.result(line) }
    }
    if !report.fits { throw ExitCode(78) }
  }

  /// What is not said is taken from this machine, or from an ordinary one; all but the rate of its
  /// threads.
  private static func cluster(
    _ machine: ClusterDescription, _ config: RunConfig, threadsHere: Int
  ) throws -> PlannedCluster {
    let memory =
      machine.memoryGigabytes.map { Int($0 * 1e9) } ?? NodeMemory.available()
      ?? Int(ProcessInfo.processInfo.physicalMemory)
    var planned = PlannedCluster(memory: memory)
    // A plan may be for other CPUs than this one.
    planned.arithmetic =
      config.dtype == .bf16 ? Arithmetic(.bf16) : try KernelChoice.arithmetic(config)
    (planned.nodes, planned.ranksPerNode) = (machine.nodes, machine.ranksPerNode)
    planned.threadsPerRank =
      machine.threadsPerRank ?? (config.threads > 0 ? config.threads : nil)
      ?? max(1, (machine.cores ?? threadsHere) / machine.ranksPerNode)
    planned.diskRate = (machine.diskMegabytesPerSecond ?? 500) * 1e6
    planned.networkBits = (machine.networkGigabits ?? 1) * 1e9
    planned.networkLatency = (machine.networkLatency ?? 50) * 1e-6
    return planned
  }
}
