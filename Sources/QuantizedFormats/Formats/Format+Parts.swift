internal import Checkpoints
internal import Kernels
internal import Quantization

extension TensorDeclaration {
  /// What follows the module's name.
  var suffix: String { name.split(separator: ".").last.map(String.init) ?? name }
}

extension CodedRows {
  /// The rows without what pads them to 64 codes, for files whose rows are the same bit stream.
  func streamBytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    Array(0..<layout.rows).withUnsafeBufferPointer { stored in
      bytes.withUnsafeMutableBytes { target in
        codes.withUnsafeBytes {
          RowStreamPacking.pack(
            $0, layout: layout, storedRows: stored, outputs: layout.rows, into: target)
        }
      }
    }
    return bytes
  }
}

extension FloatType {
  /// Of scales, whose type has been checked.
  init(stored type: ElementType) {
    switch type {
    case .f32: self = .f32
    case .bf16: self = .bf16
    default: self = .f16
    }
  }
}

extension ElementType {
  init(_ type: FloatType) {
    switch type {
    case .f32: self = .f32
    case .f16: self = .f16
    case .bf16: self = .bf16
    }
  }
}
