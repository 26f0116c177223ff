internal import Checkpoints
internal import DecoderModel
internal import Kernels
internal import Quantization

/// A tensor of an export before it is written.
struct OutputTensor {
  let declaration: TensorDeclaration
  /// Gives its bytes, a piece at a time.
  let write: ((UnsafeRawBufferPointer) throws -> Void) throws -> Void

  init(
    _ declaration: TensorDeclaration,
    write: @escaping ((UnsafeRawBufferPointer) throws -> Void) throws -> Void
  ) {
    (self.declaration, self.write) = (declaration, write)
  }

  init(_ declaration: TensorDeclaration, bytes: @escaping () throws -> [UInt8]) {
    self.init(declaration) { write in
      let bytes = try bytes()
      precondition(bytes.count == declaration.byteCount, "\(declaration.name) has another size")
      try bytes.withUnsafeBytes { try write($0) }
    }
  }
}

/// One matrix or vector of a file, as a report names it.
package struct ExportedTensor: Sendable, Equatable {
  package let name: String
  /// `GPTQ 4 bits`, `Q5_0`, `F16`.
  package let form: String
  /// Norm of the difference to what was trained, by the norm of that; 0: every number is the same.
  package let relativeError: Double
  package let largestError: Double

  package var isExact: Bool { largestError == 0 }
}

extension TunedBase {
  /// A tensor in full precision, in the rows of the file.
  func dense(
    _ module: ExportModule, as type: ElementType
  ) throws -> (tensor: OutputTensor, difference: ExportDifference) {
    let declaration = TensorDeclaration(name: module.tensorName, type: type, shape: module.shape)
    var difference = ExportDifference()
    if try !isAsStored(module, type) {
      for part in module.parts {
        for weight in try weights(part.tensor) {
          let stored = weight - part.stored.offset
          difference.add(Double(weight), Double(type.rounded(stored)) + Double(part.stored.offset))
        }
      }
    }
    let tensor = OutputTensor(declaration) { write in
      if try isAsStored(module, type) {
        let bytes = try base.tensor(module.parts[0].tensor.name).bytes
        return try write(bytes)
      }
      try values(module, type).withUnsafeBytes { try write($0) }
    }
    return (tensor, difference)
  }

  /// Whether the base has the tensor's bytes as the file will.
  private func isAsStored(_ module: ExportModule, _ type: ElementType) throws -> Bool {
    let part = module.parts[0]
    guard module.parts.count == 1, part.stored.order == RowOrder(), part.stored.offset == 0,
      matrix(part.tensor) == nil
    else { return false }
    if case .bias = part.tensor.role { return false }
    return try base.tensor(part.tensor.name).type == type
  }

  private func values(_ module: ExportModule, _ type: ElementType) throws -> [UInt8] {
    let shape = module.shape
    let width = shape.reduce(1, *) / module.rows
    let sources = try module.parts.map { try weights($0.tensor) }
    var numbers = [Float](repeating: 0, count: shape.reduce(1, *))
    module.place { stored, part, row in
      let offset = module.parts[part].stored.offset
      for i in 0..<width {
        numbers[stored * width + i] = sources[part][row * width + i] - offset
      }
    }
    return type.bytes(of: numbers)
  }

  /// The narrowest type that holds every number of the tensor.
  func exactType(_ module: ExportModule) throws -> ElementType {
    if module.parts.allSatisfy({ matrix($0.tensor) == nil }) {
      let types = try module.parts.map { try storedType($0.tensor) }
      if let first = types.first, first != .f32, types.allSatisfy({ $0 == first }) { return first }
    }
    let numbers: [[Float]] = try module.parts.map { part in
      try weights(part.tensor).map { $0 - part.stored.offset }
    }
    for type in [ElementType.f16, .bf16]
    where numbers.allSatisfy({ $0.allSatisfy { type.rounded($0) == $0 } }) {
      return type
    }
    return .f32
  }
}

extension ElementType {
  /// Of the types of full precision.
  func rounded(_ value: Float) -> Float { FloatType(self)?.rounded(value) ?? value }

  func bytes(of numbers: [Float]) -> [UInt8] {
    guard let type = FloatType(self) else { preconditionFailure("\(self) has no numbers") }
    return [UInt8](unsafeUninitializedCapacity: numbers.count * type.byteCount) { buffer, count in
      if let start = UnsafeMutableRawPointer(buffer.baseAddress) {
        for (index, number) in numbers.enumerated() { type.store(number, start, index) }
      }
      count = numbers.count * type.byteCount
    }
  }
}
