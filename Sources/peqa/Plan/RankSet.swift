internal import DecoderModel
internal import Foundation
internal import Interchange
internal import Kernels
internal import Machine
internal import Planning
internal import Quantization
internal import Synchronization
internal import Training

/// The ranks of a node as threads of this process, each with a decoder over one base of random
/// codes.
final class RankSet {
  let layers: Int
  private let path: String
  private let measurement: RateMeasurement
  private let computes: [Compute]
  /// Of the length that was asked for last.
  private var steps: [StepRun] = []

  /// Writes the base; `remove` takes it away.
  init(_ measurement: RateMeasurement, layers: Int) throws {
    (self.measurement, self.layers) = (measurement, layers)
    path =
      FileManager.default.temporaryDirectory
      .appendingPathComponent("peqa-plan-\(UUID().uuidString.prefix(8))").path
    computes = try (0..<measurement.ranks).map { _ in
      try KernelChoice.compute(measurement.run, threads: measurement.threadsPerRank)
    }
    let (model, signals) = (measurement.sample, measurement.signals)
    var config = model.config
    config.layerCount = layers
    let base = try SyntheticBase(
      name: model.name, config: config,
      settings: QuantizationSettings(likeBits: model.bits, groupSize: model.groupSize))
    do {
      _ = try base.write(to: path, isCancelled: { signals.received != nil })
    } catch {
      remove()
      if let interruption = signals.interruption { throw interruption }
      throw error
    }
  }

  func remove() { try? FileManager.default.removeItem(atPath: path) }

  /// One pass of every rank over a sequence of its own, all at the same time.
  ///
  /// - Returns: the mean of what the ranks took, and whether other programs left them their cores.
  func pass(tokens: Int) throws -> (seconds: Double, isCalm: Bool) {
    if steps.first?.settings.length != tokens { steps = try makeSteps(tokens) }
    let before = CPUUsage.now()
    let failure = Mutex<(any Error)?>(nil)
    nonisolated(unsafe) let steps = steps
    let signals = measurement.signals
    let ended = DispatchGroup()
    for rank in 1..<max(1, steps.count) {
      ended.enter()
      let thread = Thread {
        do { try steps[rank].take(counted: true, signals) } catch {
          failure.withLock { $0 = error }
        }
        ended.leave()
      }
      thread.stackSize = 8 << 20
      thread.start()
    }
    do { try steps[0].take(counted: true, signals) } catch { failure.withLock { $0 = error } }
    ended.wait()
    if let error = failure.withLock({ $0 }) { throw error }
    let seconds = steps.compactMap(\.seconds.last).reduce(0, +) / Double(steps.count)
    return (seconds, !isDisturbed(before, CPUUsage.now()))
  }

  private func makeSteps(_ tokens: Int) throws -> [StepRun] {
    let run = measurement.run
    var settings = StepSettings()
    (settings.batch, settings.length) = (1, tokens)
    // How fast a core is does not depend on which layers are trained.
    settings.training = run.scaleTraining.ofAllModules
    settings.training.parametrization = .relative
    settings.recomputing = run.gradientCheckpointing
    settings.streaming = .off
    return try computes.map { try StepRun(try LoadedModel.open(path), $0, settings) }
  }

  /// A tenth of a core went to others that the threads of this process would have needed. Passes
  /// too short for the kernel's ticks of 10 ms to tell count as undisturbed.
  private func isDisturbed(_ before: CPUUsage?, _ after: CPUUsage?) -> Bool {
    guard let before, let after, after.clock - before.clock >= 0.3 else { return false }
    let free = Double(AllowedCPUs().online) - after.foreignCores(since: before)
    return free < Double(computes.count * measurement.threadsPerRank) - 0.1
  }
}
