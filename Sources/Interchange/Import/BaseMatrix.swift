internal import Checkpoints
internal import DecoderModel
internal import Quantization

/// A quantized matrix as it will lie in a base.
struct BaseMatrix {
  /// Without suffix, e.g. `model.layers.0.self_attn.q_proj`.
  let name: String
  let layout: PackedLayout
  /// Columns are in another order than those of the input.
  var isReordered = false

  /// All tensors of the matrix, or those of numbers that are `bytes` wide.
  private func declarations(bytes: Int? = nil) -> [TensorDeclaration] {
    let scales = [layout.rows, layout.scalesPerRow]
    let groups = [layout.rows, layout.groups]
    var list: [TensorDeclaration] = []
    func add(_ suffix: String, _ type: ElementType, _ shape: [Int]) {
      guard bytes.map({ type.blockBytes == $0 }) ?? true else { return }
      list.append(TensorDeclaration(name: name + suffix, type: type, shape: shape))
    }
    if isReordered { add(".order", .i32, [layout.columns]) }
    add(".codes", .u8, [layout.rows, layout.rowStride])
    add(".scales", layout.scaleType.elementType, scales)
    switch layout.offset {
    case .zeros: add(".zeros", .u8, groups)
    case .realZeros: add(".zeros", .f16, groups)
    case .minima: add(".minima", layout.scaleType.elementType, scales)
    case .centre: break
    }
    if layout.groupsPerScale > 1 {
      add(".block_scales", .i8, groups)
      if layout.offset == .minima { add(".block_minima", .u8, groups) }
    }
    return list
  }

  /// Bytes of all its tensors.
  var byteCount: Int { declarations().reduce(0) { $0 + $1.byteCount } }

  private var codesDeclaration: TensorDeclaration {
    TensorDeclaration(
      name: name + ".codes", type: .u8, shape: [layout.rows, layout.rowStride])
  }

  /// All tensors of a base in the order of its file, each of them aligned to its elements.
  ///
  /// An imported base has the tensors of each matrix together, where sizes allow it; so none has to
  /// wait in memory while others are written. Otherwise, and in bases of version 1, the order is:
  /// `dense` by the width of their elements, numbers of 4 bytes of all matrices, then codes and
  /// numbers of 2 bytes of one matrix after the other, then all other bytes. So every tensor is
  /// aligned whatever the shapes, and codes to 64 bytes where widths are multiples of 64.
  static func declarations(
    dense: [TensorDeclaration], matrices: [BaseMatrix], together: Bool = false
  ) -> [TensorDeclaration] {
    let wide = dense.filter { $0.type.blockBytes == 4 }
    var simple = wide + dense.filter { $0.type.blockBytes != 4 }
    for matrix in matrices { simple += matrix.declarations() }
    if together, isAligned(simple) { return simple }
    var list = wide
    for matrix in matrices { list += matrix.declarations(bytes: 4) }
    list += dense.filter { $0.type.blockBytes != 4 }
    for matrix in matrices { list += [matrix.codesDeclaration] + matrix.declarations(bytes: 2) }
    for matrix in matrices {
      list += matrix.declarations(bytes: 1).filter { $0 != matrix.codesDeclaration }
    }
    return list
  }

  private static func isAligned(_ tensors: [TensorDeclaration]) -> Bool {
    var offset = 0
    return tensors.allSatisfy { tensor in
      defer { offset += tensor.byteCount }
      return offset % tensor.type.blockBytes == 0
    }
  }
}
