internal import Glibc
package import Kernels

// Parameters, gradient and both moments have one shape, so the optimizer is one loop, clipping is
// one norm and a checkpoint is one tensor each.
extension FloatBuffer {
  /// The Euclidean norm, summed in Double from the first to the last element.
  package func norm() -> Double {
    var sum = 0.0
    for value in elements { sum += Double(value) * Double(value) }
    return sum.squareRoot()
  }

  /// Scales down to `limit` where the norm is above it; 0 never clips. Gives the norm before.
  ///
  /// The factor is limit / (norm + 1e-6), as in `torch.nn.utils.clip_grad_norm_`.
  package func clip(toNorm limit: Double) -> Double {
    let norm = norm()
    let factor = limit / (norm + 1e-6)
    if limit > 0, factor < 1 {
      for index in elements.indices { elements[index] = Float(Double(elements[index]) * factor) }
    }
    return norm
  }
}
