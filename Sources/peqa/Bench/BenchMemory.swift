internal import ArgumentParser
internal import DecoderModel
internal import JSONText
internal import Kernels
internal import Machine
internal import Planning
internal import Reporting
internal import Training

/// Where the memory of a training rank goes: measured at the stages of a step, beside the plan.
struct BenchMemory: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "memory", abstract: "Measure private and shared memory of a step, part by part.")

  @OptionGroup var baseOptions: BenchBaseOptions
  @OptionGroup var stepOptions: StepOptions
  @OptionGroup var computing: ComputeOptions
  @OptionGroup var options: BenchOptions

  func run() throws {
    let console = options.console
    let limits = try options.ratioLimits()
    let program = MemoryUse.current ?? MemoryUse()
    let compute = try computing.compute(automatic: .ofOneProcess(console))
    try baseOptions.withModel(console) { model, signals in
      let opened = MemoryUse.current ?? MemoryUse()
      let run = try StepRun(model, compute, stepOptions.settings)
      let prepared = MemoryUse.current ?? MemoryUse()
      try run.take(counted: false, signals)
      let stepped = MemoryUse.current ?? MemoryUse()
      let plan = run.plan
      var table = MeasurementTable([
        ("part", "part"), ("private_mb", "private MB"), ("planned_private_mb", "planned MB"),
        ("shared_mb", "shared MB"), ("planned_shared_mb", "planned MB"),
      ])
      func add(_ part: String, _ privately: Int, _ planned: Int, _ shared: Int, _ mapped: Int?) {
        table.add([
          .text(part), .real(Double(privately) / 1e6, digits: 1),
          .real(Double(planned) / 1e6, digits: 1), .real(Double(shared) / 1e6, digits: 1),
          mapped.map { .real(Double($0) / 1e6, digits: 1) } ?? .empty,
        ])
      }
      add("program", program.privateBytes, plan.programBytes, program.sharedBytes, nil)
      add(
        "opened base", opened.privateBytes - program.privateBytes, plan.openBytes,
        opened.sharedBytes - program.sharedBytes, nil)
      add(
        "scales, moments, sums", prepared.privateBytes - opened.privateBytes, plan.optimizerBytes,
        prepared.sharedBytes - opened.sharedBytes, nil)
      add(
        "activations, workspace", stepped.privateBytes - prepared.privateBytes,
        plan.activationBytes, stepped.sharedBytes - prepared.sharedBytes, nil)
      add(
        "all", stepped.privateBytes, plan.privateBytes, stepped.sharedBytes, plan.sharedBytes)
      options.show(table)
      try options.hold(
        [
          .init(
            "memory_measured_by_planned", "private memory",
            Double(stepped.privateBytes) / Double(plan.privateBytes))
        ], to: limits)
    }
  }
}
