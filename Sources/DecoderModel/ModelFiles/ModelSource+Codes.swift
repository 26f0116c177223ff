internal import Checkpoints
package import Quantization
internal import QuantizedFormats

extension ModelSource {
  /// The format of its codes: `gptq`; nil where all is in full precision.
  package var quantization: String? {
    tensors.contains { $0.coded != nil } ? quantized?.name : nil
  }

  /// Why the codes of this model's linear layers cannot be taken as they are; empty where they can.
  package func obstaclesToReusingCodes() -> [String] {
    tensors.filter { if case .linear = $0.expected.role { $0.coded == nil } else { false } }
      .map { "tensor \"\($0.stored.name)\" is \($0.type.name)" }
  }

  /// Rows of a quantized tensor in canonical order; nil where the file has it in full precision.
  package func codedRows(_ tensor: ModelTensor, rows: Range<Int>) throws -> CodedRows? {
    guard let coded = tensor.coded, let quantized else { return nil }
    let read = try quantized.read(coded, rows.map(tensor.order.storedRow), in: files)
    if let bad = read.firstNonFinite {
      throw ModelFileError.faults(
        path: path,
        [
          "\(tensor.name), row \(rows.lowerBound + bad): a scale is NaN or infinite. The model file "
            + "is damaged."
        ])
    }
    return read
  }
}

extension CodedRows {
  /// The first row with a scale or a minimum that is not finite.
  fileprivate var firstNonFinite: Int? {
    let count = layout.rows * layout.scalesPerRow
    let bad = (0..<count).first {
      !scale($0).isFinite || layout.offset == .minima && !minimum($0).isFinite
    }
    return bad.map { $0 / layout.scalesPerRow }
  }
}
