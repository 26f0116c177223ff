internal import ArgumentParser
internal import ClusterDiagnosis
internal import Collectives
internal import DecoderModel
internal import Foundation
internal import JSONText
internal import Kernels
internal import Machine
internal import Planning
internal import Quantization
internal import Training

/// `peqa doctor`: looks for what makes runs on clusters fail or crawl, before one is started.
struct Doctor: RankedCommand {
  static let configuration = CommandConfiguration(
    abstract: "Look for faults of this machine, or of all machines of a launch.",
    usage: "peqa doctor [RUN.yaml] [--set key=value ...] [--json]",
    discussion: """
      Start it as the run will be started: alone, or below mpirun or srun with the same options. With \
      a run file it also looks at the run's base, output folder and needs.

      Exit code 0: nothing found, or warnings only. Else that of the gravest error.
      """)

  @Argument(help: "Run file whose base, folder and needs are looked at too.")
  var runFile: String?

  @Option(name: .customLong("set"), help: "A setting that overrides the run file, key=value.")
  var settings: [String] = []

  @OptionGroup var output: OutputOptions
  @OptionGroup var verbosity: VerbosityOptions

  /// Findings say it.
  var announces: Bool { false }

  /// Bytes of a large message of the ring test.
  private static let message = 4 << 20

  func run() throws {
    do throws(CommunicatorError) {
      run(with: try Communicator.start())
    } catch {
      // No rank can see another: each is told so, the one that seems to be the first speaks.
      let console = Console(verbosity: verbosity.level, rank: Launcher().rank)
      let finding = Finding.error(
        .launcher, "\(error)", at: ProcessInfo.processInfo.hostName,
        remedy: "launch with the mpirun of this MPI, or with srun --mpi=pmix",
        exitCode: error.exitCode)
      show([finding], [], console)
      throw ExitCode(error.exitCode)
    }
  }

  func run(on rank: RankContext) throws {
    let signals = StopSignals.install()
    rank.communicator.interruption = { signals.received?.exitCode }
    let config = try runFile.map { try resolve($0, rank) }
    var facts = RankFacts(
      rank, threads: config?.threads ?? 0, dtype: config?.dtype ?? .auto,
      deterministic: config?.deterministic ?? .strict)
    try facts.measure(rank.communicator, bytes: Self.message)
    facts.unheard = try rank.communicator.unheardRanks(within: 3)
    var needs: Diagnosis.RunNeeds?
    if let config {
      let opened = Self.open(config)
      facts.base = opened.facts
      needs = opened.base.map { .init(config, $0, rank) }
      facts.folder = try FolderProbe.probe(config.outputDirectory, rank.communicator)
    }
    let all = try facts.gathered(rank.communicator)
    let findings = Diagnosis(all, needs: needs).findings
    show(findings, all, rank.console)
    if let code = findings.filter({ $0.level == .error }).map(\.exitCode).max() {
      throw ExitCode(code)
    }
  }

  private static func open(
    _ config: RunConfig
  ) -> (facts: RankFacts.BaseFacts, base: QuantizedBase?) {
    var facts = RankFacts.BaseFacts()
    facts.path = config.model
    do {
      let base = try QuantizedBase(path: config.model)
      (facts.digest, facts.bytes) = (base.manifest.baseDigest, base.byteCount)
      return (facts, base)
    } catch {
      let failure = Failure(error)
      (facts.fault, facts.faultCode) = (failure.text, failure.code)
      return (facts, nil)
    }
  }

  private func resolve(_ path: String, _ rank: RankContext) throws -> RunConfig {
    try rank.shareConfig {
      var raw = RawConfig()
      _ = try raw.read(file: path)
      raw.set(settings)
      return try raw.resolved(ranks: rank.communicator.size).config
    }
  }

  private func show(_ findings: [Finding], _ facts: [RankFacts], _ console: Console) {
    if output.json {
      let result: JSONValue = [
        "findings": .array(findings.map(\.json)), "ranks": .array(facts.map(\.json)),
      ]
      return console.result(result.text(indent: 2))
    }
    for finding in findings {
      let label = finding.level.rawValue.padding(toLength: 9, withPad: " ", startingAt: 0)
      let check = finding.check.rawValue.padding(toLength: 10, withPad: " ", startingAt: 0)
      let location = finding.location.isEmpty ? "" : " [\(finding.location)]"
      console.result(label + check + finding.what + location)
      if !finding.remedy.isEmpty { console.result("                   -> \(finding.remedy)") }
    }
  }
}

extension Doctor {
  /// A short look before training: what neither its own checks nor its set-up would say. Warnings
  /// only, whatever is found.
  static func warn(_ rank: RankContext, _ config: RunConfig, _ base: QuantizedBase) throws {
    var facts = RankFacts(
      rank, threads: config.threads, dtype: config.dtype, deterministic: config.deterministic)
    try facts.measure(rank.communicator, bytes: 1 << 20)
    if rank.communicator.size > 1 {
      facts.folder = try FolderProbe.probe(config.outputDirectory, rank.communicator)
    }
    let needs = Diagnosis.RunNeeds(config, base, rank)
    let all = try facts.gathered(rank.communicator)
    for finding in Diagnosis(all, needs: needs).findings
    where finding.level != .ok && !saidByTraining.contains(finding.check) {
      let location = finding.location.isEmpty ? "" : " (\(finding.location))"
      rank.console.warn("\(finding.check.rawValue): \(finding.what)\(location). \(finding.remedy).")
    }
  }

  /// `RankContext` and `TrainSetup` speak of these, or refuse to start.
  private static let saidByTraining: Set<Finding.Check> = [.kernels, .base]
}

extension Diagnosis.RunNeeds {
  /// Kernels that are not there are a finding of their own: fp32 takes more, and never throws.
  init(_ config: RunConfig, _ base: QuantizedBase, _ rank: RankContext) {
    let plan = MemoryPlan(
      config, base, ranks: rank.communicator.size,
      arithmetic: (try? KernelChoice.arithmetic(config)) ?? Arithmetic(.fp32),
      threads: config.threads > 0 ? config.threads : rank.threads.count)
    self.init(
      baseBytes: base.byteCount, privateBytes: plan.privateBytes,
      checkpointBytes: plan.checkpointBytes,
      checkpoints: (config.saveTotalLimit == 0 ? 3 : config.saveTotalLimit) + 1,
      mayStream: config.baseStreaming != .off)
  }
}
