/// A norm over the numbers of a row, with its frozen weights.
package struct Norm {
  package enum Kind: Sendable {
    /// x / rms(x): RMSNorm.
    case rms
    /// (x - mean) / deviation: LayerNorm.
    case layer

    /// Numbers that are kept of a row for the backward pass: 1 / rms, or 1 / deviation and mean.
    package var statistics: Int { self == .rms ? 1 : 2 }
  }

  package let kind: Kind
  /// Numbers of a row.
  package let width: Int
  /// Added to the mean square, or to the variance.
  package let epsilon: Float
  /// [width].
  package let weight: UnsafePointer<Float>
  /// [width]; of a LayerNorm only.
  package let bias: UnsafePointer<Float>?

  package init(
    _ kind: Kind, width: Int, epsilon: Float, weight: UnsafePointer<Float>,
    bias: UnsafePointer<Float>? = nil
  ) {
    (self.kind, self.width, self.epsilon) = (kind, width, epsilon)
    (self.weight, self.bias) = (weight, bias)
  }
}
