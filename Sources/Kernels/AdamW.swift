/// AdamW with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2), with the decay scaled
/// by the learning rate and epsilon added after bias correction, as in PyTorch.
///
///     m = b1 m + (1 - b1) g        v = b2 v + (1 - b2) g^2
///     p = p (1 - lr wd) - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
///
/// Parameters and moments are kept as fp32; each element is computed in Double and rounded once.
package struct AdamW: ~Copyable {
  package struct Settings: Sendable, Equatable {
    package var beta1 = 0.9
    package var beta2 = 0.999
    package var epsilon = 1e-8
    package var weightDecay = 0.0

    package init() {}
  }

  package let settings: Settings
  /// m and v, both [P].
  package let mean: FloatBuffer
  package let square: FloatBuffer
  /// t, the number of updates done.
  package var updates = 0

  package init(count: Int, settings: Settings = Settings()) {
    self.settings = settings
    mean = FloatBuffer(zeros: count)
    square = FloatBuffer(zeros: count)
  }

  /// One step, on all threads of a pool where one is given: the numbers are the same.
  package mutating func update(
    _ parameters: FloatBuffer, gradient: FloatBuffer, learningRate: Double,
    on pool: WorkerPool? = nil
  ) {
    precondition(parameters.count == mean.count && gradient.count == mean.count)
    updates += 1
    let (b1, b2, epsilon) = (settings.beta1, settings.beta2, settings.epsilon)
    let step = learningRate / (1 - Elementary.power(b1, updates))
    let correction = 1 / (1 - Elementary.power(b2, updates))
    let keep = 1 - learningRate * settings.weightDecay
    let (p, g, m, v) = (parameters.elements, gradient.elements, mean.elements, square.elements)
    func update(_ range: Range<Int>) {
      for i in range {
        let slope = Double(g[i])
        let first = b1 * Double(m[i]) + (1 - b1) * slope
        let second = b2 * Double(v[i]) + (1 - b2) * slope * slope
        m[i] = Float(first)
        v[i] = Float(second)
        let root = (second * correction).squareRoot() + epsilon
        p[i] = Float(Double(p[i]) * keep - step * first / root)
      }
    }
    guard let pool else { return update(0..<p.count) }
    pool.parallelRanges(p.count, unit: 16) { range, _ in update(range) }
  }
}
