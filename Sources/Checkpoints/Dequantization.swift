extension ElementType {
  /// Converts stored elements to Float, in order.
  ///
  /// `bytes` holds whole blocks at any alignment; `output` has one place for every element. GGML's
  /// blocks give bit for bit what its reference code gives (products and sums rounded one by one).
  /// F64 is rounded. Integer types are no weights: throws `unsupported`.
  package func dequantize(
    _ bytes: UnsafeRawBufferPointer, into output: UnsafeMutableBufferPointer<Float>
  ) throws(CheckpointError) {
    guard isReal else {
      throw .unsupported(
        path: "tensor",
        detail: "\(name) holds integers, expected one of "
          + Self.allCases.filter(\.isReal).map(\.name).joined(separator: ", ") + ".")
    }
    precondition(byteCount(elements: output.count) == bytes.count, "bytes are no whole blocks")
    guard let source = bytes.baseAddress, let target = output.baseAddress, output.count > 0 else {
      return
    }
    convert(source, target, blocks: output.count / blockSize)
  }

  private func convert(
    _ source: UnsafeRawPointer, _ target: UnsafeMutablePointer<Float>, blocks: Int
  ) {
    switch self {
    case .f32: UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: blocks * 4)
    case .f64:
      for i in 0..<blocks {
        target[i] = Float(source.loadUnaligned(fromByteOffset: i * 8, as: Double.self))
      }
    case .f16:
      for i in 0..<blocks {
        target[i] = Float(halfBits: source.loadUnaligned(fromByteOffset: i * 2, as: UInt16.self))
      }
    case .bf16:
      for i in 0..<blocks {
        let bits = source.loadUnaligned(fromByteOffset: i * 2, as: UInt16.self)
        target[i] = BFloat16(bits: bits).float
      }
    case .q4_0: eachBlock(source, target, blocks, dequantizeQ40)
    case .q4_1: eachBlock(source, target, blocks, dequantizeQ41)
    case .q5_0: eachBlock(source, target, blocks, dequantizeQ50)
    case .q5_1: eachBlock(source, target, blocks, dequantizeQ51)
    case .q8_0: eachBlock(source, target, blocks, dequantizeQ80)
    case .q2_K: eachBlock(source, target, blocks, dequantizeQ2K)
    case .q3_K: eachBlock(source, target, blocks, dequantizeQ3K)
    case .q4_K: eachBlock(source, target, blocks, dequantizeQ4K)
    case .q5_K: eachBlock(source, target, blocks, dequantizeQ5K)
    case .q6_K: eachBlock(source, target, blocks, dequantizeQ6K)
    case .iq4_NL: eachBlock(source, target, blocks, dequantizeIQ4NL)
    case .iq4_XS: eachBlock(source, target, blocks, dequantizeIQ4XS)
    case .i64, .i32, .i16, .i8, .u64, .u32, .u16, .u8, .bool: break
    }
  }

  @inline(__always)
  private func eachBlock(
    _ source: UnsafeRawPointer, _ target: UnsafeMutablePointer<Float>, _ blocks: Int,
    _ body: (UnsafeRawPointer, UnsafeMutablePointer<Float>) -> Void
  ) {
    let (size, bytes) = (blockSize, blockBytes)
    for block in 0..<blocks { body(source + block * bytes, target + block * size) }
  }
}

extension TensorSource {
  /// Rows `rows` of a tensor seen as [rows, columns] as Floats; `output` has
  /// `rows.count * tensor.columns` places. Throws `unsupported` for integer tensors.
  package func readFloats(
    of tensor: TensorDescriptor, rows: Range<Int>,
    into output: UnsafeMutableBufferPointer<Float>
  ) throws(CheckpointError) {
    precondition(rows.lowerBound >= 0 && rows.upperBound <= tensor.rows, "rows out of the tensor")
    precondition(output.count == rows.count * tensor.columns, "output has the wrong size")
    guard tensor.type.isReal, let rowBytes = tensor.type.byteCount(elements: tensor.columns) else {
      throw .unsupported(
        path: path,
        detail: "tensor \"\(tensor.name)\" is \(tensor.type.name), expected floating-point weights."
      )
    }
    let all = bytes(of: tensor)
    let part = all[rows.lowerBound * rowBytes..<rows.upperBound * rowBytes]
    try tensor.type.dequantize(UnsafeRawBufferPointer(rebasing: part), into: output)
  }

  /// All elements of a small tensor (a norm, a bias, a test's matrix).
  package func floats(of tensor: TensorDescriptor) throws(CheckpointError) -> [Float] {
    var result: Result<Void, CheckpointError> = .success(())
    let values = [Float](unsafeUninitializedCapacity: tensor.elementCount) { buffer, count in
      let output = UnsafeMutableBufferPointer(rebasing: buffer[..<tensor.elementCount])
      do throws(CheckpointError) {
        try readFloats(of: tensor, rows: 0..<tensor.rows, into: output)
        count = tensor.elementCount
      } catch {
        result = .failure(error)
      }
    }
    try result.get()
    return values
  }
}
