internal import Kernels

package enum ScheduleKind: String, CaseIterable, Sendable { case linear, cosine, constant }

/// The learning rate of each step, as Hugging Face `transformers` defines it
/// (`optimization.py`: `get_*_schedule_with_warmup`,
/// `get_cosine_with_min_lr_schedule_with_warmup`).
///
/// With steps t = 0, 1, ... and w warm-up steps of n: t / max(1, w) while t < w, then a factor f
/// that falls from 1 to `minimumRatio` at t = n. The first step of a warm-up has rate 0, as there.
package struct LearningRateSchedule: Sendable, Equatable {
  package var kind: ScheduleKind
  package var peak: Double
  package var warmupSteps: Int
  package var totalSteps: Int
  /// End of the decay as a part of `peak`; without effect on `constant`.
  package var minimumRatio: Double

  package init(
    kind: ScheduleKind, peak: Double, warmupSteps: Int, totalSteps: Int, minimumRatio: Double = 0
  ) {
    self.kind = kind
    self.peak = peak
    self.warmupSteps = warmupSteps
    self.totalSteps = totalSteps
    self.minimumRatio = minimumRatio
  }

  /// The rate of step `step`, counted from 0.
  package func callAsFunction(_ step: Int) -> Double { peak * factor(step) }

  private func factor(_ step: Int) -> Double {
    if step < warmupSteps { return Double(step) / Double(max(1, warmupSteps)) }
    if kind == .constant { return 1 }
    let progress = min(1, Double(step - warmupSteps) / Double(max(1, totalSteps - warmupSteps)))
    let shape = kind == .linear ? 1 - progress : 0.5 * (1 + Elementary.cos(.pi * progress))
    return max(0, shape) * (1 - minimumRatio) + minimumRatio
  }
}

extension LearningRateSchedule {
  /// `warmup_steps` wins over `warmup_ratio`, which rounds up, as in `TrainingArguments`.
  package init(_ config: RunConfig, totalSteps: Int) {
    let ratio = Int((Double(totalSteps) * config.warmupRatio).rounded(.up))
    self.init(
      kind: config.schedule, peak: config.peakLearningRate,
      warmupSteps: config.warmupSteps > 0 ? config.warmupSteps : ratio, totalSteps: totalSteps,
      minimumRatio: config.minimumLearningRateRatio)
  }
}
