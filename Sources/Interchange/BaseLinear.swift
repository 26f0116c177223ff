internal import Checkpoints
internal import Quantization

/// A linear layer as it will lie in a base.
struct BaseLinear {
  /// Without suffix, e.g. `model.layers.0.self_attn.q_proj`.
  let name: String
  let layout: PackedLayout
  /// F16 zero points: codes of Q4_1.
  let realZeros: Bool

  var codesDeclaration: TensorDeclaration {
    .init(name: name + ".codes", type: .u8, shape: [layout.rows, layout.rowStride])
  }

  var scalesDeclaration: TensorDeclaration {
    .init(name: name + ".scales", type: .f16, shape: [layout.rows, layout.groups])
  }

  var zerosDeclaration: TensorDeclaration {
    .init(
      name: name + ".zeros", type: realZeros ? .f16 : .u8, shape: [layout.rows, layout.groups])
  }

  /// All tensors of a base in the order of its file.
  ///
  /// The order: `dense` (F32 tensors, then 16-bit matrices), then codes and scales (and real zero
  /// points) of one linear layer after the other, then all integer zero points. So every tensor is
  /// aligned to its elements whatever the shapes, and codes to 64 bytes where widths are multiples
  /// of 64.
  static func declarations(
    dense: [TensorDeclaration], linears: [BaseLinear]
  ) -> [TensorDeclaration] {
    var list = dense
    for linear in linears {
      list += [linear.codesDeclaration, linear.scalesDeclaration]
      if linear.realZeros { list.append(linear.zerosDeclaration) }
    }
    return list + linears.filter { !$0.realZeros }.map(\.zerosDeclaration)
  }
}
