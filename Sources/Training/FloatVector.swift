internal import Glibc

/// One contiguous vector of floats; freed with its owner.
///
/// Parameters, gradient and both moments have this one shape, so the optimizer is one loop,
/// clipping is one norm and a checkpoint is one tensor each.
package struct FloatVector: ~Copyable {
  package let values: UnsafeMutableBufferPointer<Float>

  /// `count` zeros.
  package init(count: Int) {
    values = .allocate(capacity: count)
    values.initialize(repeating: 0)
  }

  deinit { values.deallocate() }

  package var count: Int { values.count }

  /// The Euclidean norm, summed in Double from the first to the last element.
  package borrowing func norm() -> Double {
    var sum = 0.0
    for value in values { sum += Double(value) * Double(value) }
    return sum.squareRoot()
  }

  /// Scales down to `limit` where the norm is above it; 0 never clips. Gives the norm before.
  ///
  /// The factor is limit / (norm + 1e-6), as in `torch.nn.utils.clip_grad_norm_`.
  package borrowing func clip(toNorm limit: Double) -> Double {
    let norm = norm()
    let factor = limit / (norm + 1e-6)
    if limit > 0, factor < 1 {
      for index in values.indices { values[index] = Float(Double(values[index]) * factor) }
    }
    return norm
  }

  package borrowing func copy(from source: UnsafeBufferPointer<Float>) {
    precondition(source.count == count, "vectors of unlike length")
    _ = values.update(fromContentsOf: source)
  }
}
