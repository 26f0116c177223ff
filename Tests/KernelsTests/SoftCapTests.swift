internal import CKernels
internal import Foundation
internal import Kernels
internal import Testing

/// cap * tanh(scale * x / cap) and its slope, every instruction set against Double.
@Suite(.serialized) struct SoftCapTests {
  static let settings: [(scale: Float, cap: Float)] = [(1, 30), (0.125, 50), (0.5, 1.5), (3, 0.7)]

  /// Arguments of tanh up to 4, with tiny and huge ones and both sides of the border between the
  /// polynomial and the quotient.
  private func numbers(_ count: Int, border: Float, _ random: inout RandomNumbers) -> [Float] {
    var x = random.floats(count, scale: border * 4 / 0.625)
    let special: [Float] = [
      0, -0.0, 1e-30, -1e-30, 1e10, -1e10, 1e37, .infinity, -.infinity, border, border.nextDown,
      -border, -border.nextUp,
    ]
    for (index, value) in special.enumerated() where index * 2 < count { x[index * 2] = value }
    return x
  }

  /// The argument errs by 2 units, of which tanh passes on no more, being flatter than a straight
  /// line; tanh itself by 6 (the quotient 2 / (e^2x + 1) errs by 5, which is less of 1 minus it,
  /// and the difference rounds); the product by 1. One for second order: 10.
  @Test(arguments: InstructionSet.available, settings.indices)
  func valuesAndSlopes(_ set: InstructionSet, _ index: Int) {
    let (scale, cap) = Self.settings[index]
    for count in oddCounts {
      var random = RandomNumbers(seed: count)
      let x = numbers(count, border: 0.625 * cap / scale, &random)
      let y = GuardedMemory(x, slack: 256)
      let slope = GuardedMemory<Float>(results: count, fill: .nan)
      set.kernels.soft_cap(count, scale, cap, y.pointer, slope.pointer)
      let bent: [Double] = x.map { tanh(Double($0) * Double(scale) / Double(cap)) }
      let want = bent.map { Double(cap) * $0 }
      let deviation = Deviation(y.values, want, allowing: want.map { abs($0) * 10 * unit })
      #expect(deviation.isAllowed && y.isIntact, "\(count): \(deviation)")
      // 1 - b^2, where b errs by 8 units: 16 b^2, square, difference and factor: 3, second order.
      let slopes = bent.map { Double(scale) * (1 - $0 * $0) }
      let bounds: [Double] = bent.map { Double(scale) * (17 * $0 * $0 + 4) * unit }
      let second = Deviation(slope.values, slopes, allowing: bounds)
      #expect(second.isAllowed && slope.isIntact, "\(count): \(second)")
      // Without slopes the same numbers.
      let again = GuardedMemory(x, slack: 256)
      set.kernels.soft_cap(count, scale, cap, again.pointer, nil)
      let same = again.values == y.values
      #expect(same && again.isIntact)
    }
  }

  /// Steps of 0.01 in the argument up to 4 raise tanh by 1.3e-5 at least, ten times its error.
  @Test(arguments: InstructionSet.available)
  func growsAndStaysBelowTheCap(_ set: InstructionSet) {
    let cap: Float = 30
    let x = (-400...400).map { Float($0) * 0.01 * cap }
    let y = GuardedMemory(x)
    set.kernels.soft_cap(x.count, 1, cap, y.pointer, nil)
    let grows = zip(y.values, y.values.dropFirst()).allSatisfy { $0 < $1 }
    #expect(grows && y.values.allSatisfy { abs($0) < cap })
    let far = GuardedMemory([Float(100), 1e3, 1e30, -100, -1e3, -1e30].map { $0 * cap })
    set.kernels.soft_cap(far.count, 1, cap, far.pointer, nil)
    #expect(far.values == [cap, cap, cap, -cap, -cap, -cap])
  }

  @Test(arguments: InstructionSet.available, [0, 5, 16, 40])
  func notANumberShows(_ set: InstructionSet, _ place: Int) {
    var x = [Float](repeating: 0.5, count: 41)
    var slope = x
    x[place] = .nan
    set.kernels.soft_cap(41, 1, 30, &x, &slope)
    #expect(x[place].isNaN && slope[place].isNaN)
    #expect(x.count { $0.isNaN } == 1 && slope.count { $0.isNaN } == 1)
  }

  /// `Compute.cap` is soft_cap with scale 1, on any number of threads.
  @Test(arguments: InstructionSet.available)
  func onThreads(_ set: InstructionSet) {
    var random = RandomNumbers(seed: 3)
    let x = random.floats(5000, scale: 60)
    var want = x
    set.kernels.soft_cap(x.count, 1, 30, &want, nil)
    for threads in [1, 2, 5] {
      let compute = Compute(pool: WorkerPool(threads: threads), instructionSet: set)
      let y = GuardedMemory(x, slack: 256)
      compute.cap(y.pointer, at: 30, count: x.count)
      let same = y.values == want
      #expect(same && y.isIntact, "\(threads) threads")
    }
  }
}
