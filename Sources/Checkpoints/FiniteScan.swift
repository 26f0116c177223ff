extension UnsafeBufferPointer<Float> {
  /// The index of the first NaN or infinity.
  package var firstNonFinite: Int? {
    let chunk = 4096
    var start = 0
    while start < count {
      let end = Swift.min(start + chunk, count)
      // The largest magnitude as an integer: no early exit, so that it vectorizes.
      var largest: UInt32 = 0
      for i in start..<end { largest = Swift.max(largest, self[i].bitPattern & 0x7FFF_FFFF) }
      if largest >= 0x7F80_0000 { return (start..<end).first { !self[$0].isFinite } }
      start = end
    }
    return nil
  }
}

extension ElementType {
  /// The index of the first element that is NaN or infinite; nil for integer types.
  ///
  /// `bytes` holds whole blocks. Blocks are judged by their values, not only by their scales.
  package func firstNonFinite(in bytes: UnsafeRawBufferPointer) -> Int? {
    guard isReal else { return nil }
    if self == .f64 { return firstNonFiniteDouble(in: bytes) }
    let blocksAtOnce = 4096 / blockSize
    let blocks = bytes.count / blockBytes
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: 4096) { scratch in
      var first = 0
      while first < blocks {
        let count = min(blocksAtOnce, blocks - first)
        let part = bytes[first * blockBytes..<(first + count) * blockBytes]
        let values = UnsafeMutableBufferPointer(rebasing: scratch[..<(count * blockSize)])
        try? dequantize(UnsafeRawBufferPointer(rebasing: part), into: values)
        if let found = UnsafeBufferPointer(values).firstNonFinite {
          return first * blockSize + found
        }
        first += count
      }
      return nil
    }
  }

  /// Not by way of Float: a large finite Double must not count as infinite.
  private func firstNonFiniteDouble(in bytes: UnsafeRawBufferPointer) -> Int? {
    (0..<bytes.count / 8).first {
      !bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self).isFinite
    }
  }
}

extension TensorSource {
  /// Throws `malformed` (`notFinite`), naming the place, where a weight is NaN or infinite.
  package func requireFinite(_ tensor: TensorDescriptor) throws(CheckpointError) {
    guard let index = tensor.type.firstNonFinite(in: bytes(of: tensor)) else { return }
    throw .malformed(
      path: path, fault: .notFinite,
      detail:
        "tensor \"\(tensor.name)\" is NaN or infinite at row \(index / max(1, tensor.columns)), "
        + "column \(index % max(1, tensor.columns))")
  }
}
