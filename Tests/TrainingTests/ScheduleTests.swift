import Testing
import Training

/// Golden numbers: Tests/interop/training_goldens.py (transformers 5.23.0), peak 3e-3, 20 steps.
@Suite struct ScheduleTests {
  static let steps = [0, 1, 3, 4, 5, 10, 17, 19, 20]

  struct Golden: Sendable, CustomTestStringConvertible {
    var kind: ScheduleKind
    var warmup: Int
    var minimum: Double
    var rates: [Double]
    var testDescription: String { "\(kind) \(warmup) \(minimum)" }
  }

  static let goldens = [
    Golden(
      kind: .linear, warmup: 4, minimum: 0,
      rates: [
        0.0, 0.00075, 0.0022500000000000003, 0.003, 0.0028125, 0.001875, 0.0005625000000000001,
        0.0001875, 0.0,
      ]),
    Golden(
      kind: .linear, warmup: 0, minimum: 0,
      rates: [
        0.003, 0.00285, 0.00255, 0.0024000000000000002, 0.0022500000000000003, 0.0015, 0.00045,
        0.00015000000000000001, 0.0,
      ]),
    Golden(
      kind: .cosine, warmup: 4, minimum: 0,
      rates: [
        0.0, 0.00075, 0.0022500000000000003, 0.003, 0.0029711779206048456, 0.002074025148547635,
        0.000252795581546182, 2.8822079395154354e-05, 0.0,
      ]),
    Golden(
      kind: .cosine, warmup: 4, minimum: 0.1,
      rates: [
        0.0, 0.00075, 0.0022500000000000003, 0.003, 0.002974060128544361, 0.002166622633692871,
        0.0005275160233915638, 0.00032593987145563896, 0.00030000000000000003,
      ]),
    Golden(
      kind: .constant, warmup: 4, minimum: 0,
      rates: [
        0.0, 0.00075, 0.0022500000000000003, 0.003, 0.003, 0.003, 0.003, 0.003, 0.003,
      ]),
  ]

  /// A handful of roundings of numbers up to 3e-3: within 8 units in the last place of the peak.
  @Test(arguments: goldens)
  func matchesTransformers(golden: Golden) {
    let schedule = LearningRateSchedule(
      kind: golden.kind, peak: 3e-3, warmupSteps: golden.warmup, totalSteps: 20,
      minimumRatio: golden.minimum)
    for (step, rate) in zip(Self.steps, golden.rates) {
      #expect(abs(schedule(step) - rate) <= 8 * (3e-3).ulp, "step \(step)")
    }
  }

  @Test func linearKeepsToItsMinimum() {
    let schedule = LearningRateSchedule(
      kind: .linear, peak: 2, warmupSteps: 0, totalSteps: 10, minimumRatio: 0.25)
    #expect(schedule(0) == 2)
    #expect(schedule(5) == 1.25)
    #expect(schedule(10) == 0.5)
    #expect(schedule(99) == 0.5)
  }

  /// `warmup_ratio` rounds up; `warmup_steps` wins.
  @Test func warmupFromConfig() {
    var config = RunConfig()
    config.warmupRatio = 0.1
    #expect(LearningRateSchedule(config, totalSteps: 11).warmupSteps == 2)
    config.warmupSteps = 5
    #expect(LearningRateSchedule(config, totalSteps: 11).warmupSteps == 5)
  }
}
