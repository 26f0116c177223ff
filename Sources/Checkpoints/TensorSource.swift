/// One tensor of a file: what it is and where its bytes lie.
package struct TensorDescriptor: Sendable, Equatable {
  package var name: String
  package var type: ElementType
  /// Outermost dimension first; empty for a scalar.
  package var shape: [Int]
  /// Bytes in the file, counted from its start.
  package var byteRange: Range<Int>
  /// Which file of a sharded source.
  package var shard: Int

  package init(
    name: String, type: ElementType, shape: [Int], byteRange: Range<Int>, shard: Int = 0
  ) {
    self.name = name
    self.type = type
    self.shape = shape
    self.byteRange = byteRange
    self.shard = shard
  }

  package var elementCount: Int { shape.reduce(1, *) }
  /// Elements of the innermost dimension (I of W [O, I]).
  package var columns: Int { shape.last ?? 1 }
  /// Product of all other dimensions (O of W [O, I]).
  package var rows: Int { shape.dropLast().reduce(1, *) }
}

/// Named tensors in mapped files: one safetensors file, a sharded directory, or a GGUF file.
package protocol TensorSource: AnyObject, Sendable {
  /// File or folder, for messages.
  var path: String { get }
  /// In the order of their bytes.
  var tensors: [TensorDescriptor] { get }
  /// Names compare by their UTF-8 bytes.
  func tensor(named name: String) -> TensorDescriptor?
  /// The mapped file a tensor lies in.
  func file(of tensor: TensorDescriptor) -> MappedFile
}

extension TensorSource {
  /// The tensor's bytes in the mapping, at any alignment; valid while this source lives.
  package func bytes(of tensor: TensorDescriptor) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: file(of: tensor).bytes[tensor.byteRange])
  }

  /// A hint about the pages of one tensor.
  package func advise(_ advice: MappedFile.Advice, _ tensor: TensorDescriptor) {
    file(of: tensor).advise(advice, tensor.byteRange)
  }

  /// The tensor, or an error that names it; `shape` nil accepts any.
  package func requiredTensor(
    named name: String, shape: [Int]? = nil
  ) throws(CheckpointError) -> TensorDescriptor {
    guard let tensor = tensor(named: name) else {
      throw .malformed(
        path: path, fault: .missingTensor,
        detail: "tensor \"\(name)\" is missing. The model is incomplete or of another architecture."
      )
    }
    if let shape, tensor.shape != shape {
      throw .malformed(
        path: path, fault: .shape,
        detail: "tensor \"\(name)\" has shape \(tensor.shape), expected \(shape)")
    }
    return tensor
  }
}

/// Finds tensors by the exact bytes of their names (Swift strings compare by canonical
/// equivalence).
struct NameIndex: Sendable {
  private var positions: [[UInt8]: Int] = [:]

  /// False where the name is taken.
  mutating func insert(_ name: some Sequence<UInt8>, at position: Int) -> Bool {
    let key = Array(name)
    guard positions[key] == nil else { return false }
    positions[key] = position
    return true
  }

  subscript(_ name: String) -> Int? { positions[Array(name.utf8)] }
}
