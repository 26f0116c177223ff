internal import Collectives
internal import Kernels
internal import Machine

/// The all-reduce of one step of a run with so many parameters, made-up gradients aside: for
/// measuring a network.
package struct ExchangeTrial: ~Copyable {
  private var sum: GradientSum
  private let group: any RankGroup
  private let gradient: FloatBuffer

  package init(parameters: Int, over group: any RankGroup, width: SumWidth) {
    sum = GradientSum(parameters: parameters, ranks: group.size, batch: group.size, width: width)
    self.group = group
    gradient = FloatBuffer(zeros: parameters)
    // Different on every rank; magnitudes within a block differ by up to 2^10, as those of real
    // ones.
    for index in 0..<parameters {
      let number = Float((index &* 31 + group.rank &* 17) % 101 - 50) / 50
      gradient.elements[index] = number / Float(1 << (index % 11))
    }
  }

  /// One exchange, begun by all ranks together.
  ///
  /// - Returns: seconds of this rank in the all-reduce, and the bytes that a ring makes it send.
  package mutating func take() throws -> (seconds: Double, bytesSent: Int) {
    sum.reset()
    sum.add(
      gradient: UnsafeBufferPointer(gradient.elements), from: 0, at: group.rank, by: group.rank)
    _ = try group.sums(of: [1])
    let (before, clock) = (group.traffic, Stopwatch())
    try sum.allReduce(over: group)
    let result = (clock.seconds, group.traffic.bytesSent - before.bytesSent)
    if sum.isNarrow { sum.adaptSteps() }
    return result
  }
}
