internal import Checkpoints
internal import Quantization

/// Writes the tensors of a base in the order of its file, whatever order they become known in:
/// what is not yet due waits in memory.
struct MatrixParts {
  private let writer: TensorWriter
  private var next = 0
  private var written = 0
  private var waiting: [String: [UInt8]] = [:]

  init(_ writer: TensorWriter) { self.writer = writer }

  /// Appends to a tensor. Tensors become full in any order; each gets its bytes in order.
  mutating func append<Number: BitwiseCopyable>(_ numbers: [Number], to name: String) throws {
    try flush()
    let isDue = next < writer.tensors.count && writer.tensors[next].name == name
    if isDue, waiting[name] == nil {
      try write(numbers, name)
    } else {
      numbers.withUnsafeBytes { waiting[name, default: []].append(contentsOf: $0) }
    }
    try flush()
  }

  private mutating func write<Number: BitwiseCopyable>(_ numbers: [Number], _ name: String) throws {
    try writer.append(numbers, to: name)
    written += numbers.count * MemoryLayout<Number>.stride
    if written == writer.tensors[next].byteCount { (next, written) = (next + 1, 0) }
  }

  /// What waits and is due now.
  private mutating func flush() throws {
    while next < writer.tensors.count,
      let bytes = waiting.removeValue(
        forKey: writer.tensors[next].name)
    {
      try write(bytes, writer.tensors[next].name)
      guard written == 0 else { return }
    }
  }
}

/// The numbers of a matrix beside its codes, while its rows come in.
struct MatrixNumbers {
  private var parts: [(suffix: String, bytes: [UInt8])] = []

  mutating func append(_ rows: CodedRows) {
    let blocks = rows.blockScales.map { UInt8(bitPattern: $0) }
    let all = [
      (".scales", rows.scales), (".zeros", rows.zeros), (".minima", rows.minima),
      (".block_scales", blocks), (".block_minima", rows.blockMinima),
    ].filter { !$0.1.isEmpty }
    if parts.isEmpty {
      parts = all
      return
    }
    for (index, part) in all.enumerated() { parts[index].bytes += part.1 }
  }

  func write(_ name: String, to writer: inout MatrixParts) throws {
    for part in parts { try writer.append(part.bytes, to: name + part.suffix) }
  }
}
