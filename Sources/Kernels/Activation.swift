internal import CKernels

/// The function between the layers of an MLP.
package enum Activation: String, CaseIterable, Sendable {
  /// x sigmoid(x).
  case silu
  /// max(x, 0).
  case relu
  /// x Phi(x), Phi the normal distribution.
  case gelu
  /// The same by a hyperbolic tangent, as GPT-2 approximated it.
  case geluTanh

  var raw: peqa_activation {
    switch self {
    case .silu: PEQA_SILU
    case .relu: PEQA_RELU
    case .gelu: PEQA_GELU
    case .geluTanh: PEQA_GELU_TANH
    }
  }
}
