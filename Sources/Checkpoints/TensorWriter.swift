/// A tensor that is going to be written.
package struct TensorDeclaration: Sendable, Equatable {
  package var name: String
  package var type: ElementType
  /// Outermost dimension first.
  package var shape: [Int]

  package init(name: String, type: ElementType, shape: [Int]) {
    self.name = name
    self.type = type
    self.shape = shape
  }

  /// Bytes of the tensor. Shapes to be written come from this program, so a wrong one is a bug.
  package var byteCount: Int {
    guard let count = TensorDescriptor.elementCount(of: shape),
      (shape.last ?? 1) % type.blockSize == 0, let bytes = type.byteCount(elements: count)
    else { preconditionFailure("\(name): \(type.name) cannot have the shape \(shape)") }
    return bytes
  }
}

/// Streams a header and then tensors, in the declared order, into a file that appears when whole.
///
/// `SafetensorsWriter` and `GGUFWriter` make the header. Forgetting `finish`, or any error, leaves
/// nothing behind.
package class TensorWriter {
  package let tensors: [TensorDeclaration]
  /// Size of the finished file in bytes.
  package let fileSize: Int
  private let file: PendingFile
  private let alignment: Int
  private var current = 0
  /// Bytes of the current tensor written so far.
  private var written = 0

  /// Every tensor's data is padded with zeros to a multiple of `alignment`.
  init(
    path: String, header: [UInt8], tensors: [TensorDeclaration], alignment: Int, overwrite: Bool,
    digest: Bool, uncached: Bool = false
  ) throws(CheckpointError) {
    self.tensors = tensors
    self.alignment = alignment
    fileSize = header.count + tensors.reduce(0) { $0 + $1.byteCount.roundedUp(to: alignment) }
    file = try PendingFile(
      path: path, size: fileSize, overwrite: overwrite, digest: digest, uncached: uncached)
    try write(header)
  }

  /// Appends a piece of the tensor `name`, which must be the first one that is not full.
  package func append(
    _ bytes: UnsafeRawBufferPointer, to name: String
  ) throws(CheckpointError) {
    try skipEmpty(before: name)
    precondition(current < tensors.count, "\(name) is written after the last tensor")
    let tensor = tensors[current]
    precondition(
      tensor.name.utf8.elementsEqual(name.utf8), "\(name) is written where \(tensor.name) is due")
    let size = tensor.byteCount
    precondition(bytes.count <= size - written, "\(name) gets more than its \(size) bytes")
    try file.write(bytes)
    written += bytes.count
    if written == size { try endTensor() }
  }

  package func append<Element: BitwiseCopyable>(
    _ values: [Element], to name: String
  ) throws(CheckpointError) {
    let result = values.withUnsafeBytes { bytes in
      Result { () throws(CheckpointError) in try append(bytes, to: name) }
    }
    try result.get()
  }

  /// Makes the file durable and visible. Gives its SHA-256 in hexadecimal where one was asked for.
  @discardableResult
  package func finish() throws(CheckpointError) -> String? {
    try skipEmpty(before: nil)
    precondition(current == tensors.count, "the file ends before all tensors are written")
    return try file.commit()
  }

  /// Removes what has been written; the writer is of no use afterwards.
  package func cancel() { file.discard() }

  private func skipEmpty(before name: String?) throws(CheckpointError) {
    while current < tensors.count, tensors[current].byteCount == 0 {
      if let name, tensors[current].name.utf8.elementsEqual(name.utf8) { return }
      try endTensor()
    }
  }

  private func endTensor() throws(CheckpointError) {
    let padding = written.roundedUp(to: alignment) - written
    if padding > 0 { try write([UInt8](repeating: 0, count: padding)) }
    current += 1
    written = 0
  }

  private func write(_ bytes: [UInt8]) throws(CheckpointError) {
    let result = bytes.withUnsafeBytes { buffer in
      Result { () throws(CheckpointError) in try file.write(buffer) }
    }
    try result.get()
  }
}

extension Int {
  /// The next multiple of `alignment`.
  package func roundedUp(to alignment: Int) -> Int {
    (self + alignment - 1) / alignment * alignment
  }
}
