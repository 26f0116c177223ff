import Foundation
import Reports
import RunHistory
import TestSupport
import Testing

@Suite struct CurveTests {
  private func points(_ values: [Double], each: Int = 1) -> [MetricPoint] {
    values.enumerated().map { MetricPoint(step: ($0.offset + 1) * each, value: $0.element) }
  }

  /// Every peak of every bucket is among the points that are left, which are few.
  @Test(arguments: [1, 7, 1000])
  func thinningKeepsPeaks(each: Int) {
    var noise = LinearCongruential(seed: 3)
    let all = points((0..<20_000).map { _ in noise.next() }, each: each)
    let kept = Curve.thinned(all, buckets: 100)
    #expect(kept.count <= 2 * 100 + 2)
    #expect(kept.first == all.first && kept.last == all.last)
    #expect(zip(kept, kept.dropFirst()).allSatisfy { $0.step < $1.step })
    let inner = all.dropFirst().dropLast()
    let width = Double(all[all.count - 1].step - all[0].step) / 100
    for bucket in 0..<100 {
      let own = inner.filter { Int(Double($0.step - all[0].step) / width) == bucket }
      for peak in [own.min { $0.value < $1.value }, own.max { $0.value < $1.value }] {
        #expect(kept.contains { $0 == peak }, "bucket \(bucket)")
      }
    }
  }

  @Test func fewPointsStayAsTheyAre() {
    let all = points((0..<202).map(Double.init))
    #expect(Curve.thinned(all, buckets: 100) == all)
    #expect(Curve.thinned([], buckets: 100).isEmpty)
    // All at one step cannot be told apart by buckets.
    let same = (0..<1000).map { MetricPoint(step: 5, value: Double($0)) }
    #expect(Curve.thinned(same, buckets: 100) == same)
  }

  /// The weighted mean by its definition: weight (1 - a)^k for the value k places before.
  @Test func smoothingIsAWeightedMean() {
    let values = (0..<50).map { sin(Double($0)) + 3 }
    let smooth = Curve.smoothed(points(values), span: 9)
    for (index, point) in smooth.enumerated() {
      let weights = (0...index).map { pow(1 - 2.0 / 10, Double(index - $0)) }
      let sum = zip(weights, values).reduce(0) { $0 + $1.0 * $1.1 }
      // 50 additions and a division in double.
      #expect(abs(point.value - sum / weights.reduce(0, +)) < 1e-13)
    }
    let flat = Curve.smoothed(points([2, 2, 2]), span: 5).map(\.value)
    #expect(flat.allSatisfy { abs($0 - 2) < 1e-15 })
  }

  @Test func ratioAtCommonSteps() {
    let above = [1, 2, 4, 6].map { MetricPoint(step: $0, value: 3) }
    let below = [2, 3, 4, 5, 6].map { MetricPoint(step: $0, value: $0 == 6 ? 0 : 2) }
    #expect(
      Curve.ratio(above, below) == [.init(step: 2, value: 1.5), .init(step: 4, value: 1.5)])
  }

  @Test(arguments: [
    [3.1, 4.9], [0, 1], [-5, 5], [1e-7, 3e-7], [1e12, 5e12], [2, 2], [0, 0], [-1e30, 1e30],
    [0.9999, 1.0001], [-3, -3], [1e-300, 1e300],
  ])
  func axesEndAtRoundNumbersAroundTheValues(values: [Double]) {
    for fromZero in [false, true] {
      let axis = Axis(around: values, fromZero: fromZero, count: 4)
      let room = 1e-6 * axis.interval
      #expect(axis.least <= values[0] + room && axis.greatest >= values[1] - room)
      #expect((2...12).contains(axis.ticks.count))
      let mantissa = axis.interval / pow(10, log10(axis.interval).rounded(.down))
      #expect([1.0, 2, 5, 10].contains { abs(mantissa - $0) < 1e-9 })
      for tick in axis.ticks {
        let place = tick / axis.interval
        #expect(abs(place - place.rounded()) < 1e-6)
      }
      if fromZero { #expect(axis.least <= 0 && axis.greatest >= 0) }
    }
  }

  @Test(arguments: [0...1, 1...100, 0...100_000, 37...38, 5...5])
  func axesOfStepsEndWhereTheStepsDo(steps: ClosedRange<Int>) {
    let axis = Axis(exactly: Double(steps.lowerBound)...Double(steps.upperBound))
    #expect(axis.least == Double(steps.lowerBound))
    #expect(axis.ticks.allSatisfy { $0 == $0.rounded() && axis.share($0) >= 0 })
    #expect(axis.ticks.allSatisfy { axis.share($0) <= 1 + 1e-9 })
  }
}

/// Numbers that look random, from 0 to 1.
private struct LinearCongruential {
  var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> Double {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Double(state >> 11) * 0x1p-53
  }
}
