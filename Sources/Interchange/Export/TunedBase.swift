internal import Checkpoints
package import DecoderModel
internal import Foundation
internal import Quantization

/// A base with the scales of a task, as an export reads it: matrix by matrix, by canonical name.
package struct TunedBase {
  package let base: QuantizedBase
  /// The task; nil for the base's own scales.
  let adapter: AdapterScales?
  package let adapterPath: String?
  private let roles: [String: (role: LinearRole, layer: Int)]

  /// - Parameter adapter: a directory that training or `peqa adapter` has made.
  package init(_ base: QuantizedBase, adapter path: String? = nil) throws {
    self.base = base
    adapterPath = path
    adapter = try path.map { try Adapter.load($0, base: base, weights: DecoderWeights(base)) }
    var roles: [String: (role: LinearRole, layer: Int)] = [:]
    for tensor in base.config.expectedTensors {
      if case .linear(let role, let layer) = tensor.role { roles[tensor.name] = (role, layer) }
    }
    self.roles = roles
  }

  var config: DecoderConfig { base.config }

  /// The quantized matrix of an expected tensor, where the base has it quantized.
  func matrix(_ tensor: ExpectedTensor) -> QuantizedMatrix? {
    if let place = roles[tensor.name] { return base.linear(place.role, layer: place.layer) }
    return base.quantizedVocabulary(tensor.name)
  }

  /// The task has zero points of its own.
  var hasTrainedZeros: Bool { adapter?.zeroCount ?? 0 > 0 }

  /// The layout of `rows`, without making them. Where zero points were trained, all layers have
  /// real ones: those that were left alone may share a tensor with others.
  func layout(_ tensor: ExpectedTensor) -> PackedLayout? {
    guard let layout = matrix(tensor)?.layout else { return nil }
    return hasTrainedZeros && roles[tensor.name] != nil ? layout.withRealZeros : layout
  }

  /// All rows of it with the task's scales.
  func rows(_ tensor: ExpectedTensor) -> CodedRows? {
    guard let matrix = matrix(tensor) else { return nil }
    var rows = matrix.rows
    if let adapter, let place = roles[tensor.name] {
      adapter.apply(to: &rows, layer: place.layer, role: place.role)
      if hasTrainedZeros { rows.makeZerosReal() }
    }
    return rows
  }

  /// The numbers of a tensor that is not quantized, in canonical order.
  func numbers(_ tensor: ExpectedTensor) throws -> [Float] {
    if case .bias(let role, let layer) = tensor.role {
      guard let bias = base.linear(role, layer: layer).bias else {
        throw ModelFileError.faults(path: base.path, ["\(tensor.name) is missing"])
      }
      return Array(bias)
    }
    let dense = try base.tensor(tensor.name)
    return try [Float](unsafeUninitializedCapacity: tensor.elementCount) { buffer, count in
      let output = UnsafeMutableBufferPointer(rebasing: buffer[..<tensor.elementCount])
      try dense.type.dequantize(dense.bytes, into: output)
      count = tensor.elementCount
    }
  }

  /// The type in which the base has it.
  func storedType(_ tensor: ExpectedTensor) throws -> ElementType {
    if case .bias = tensor.role { return .f32 }
    return try base.tensor(tensor.name).type
  }

  /// What is trained, dequantized: [rows, columns], rounded once to fp32.
  func weights(_ tensor: ExpectedTensor) throws -> [Float] {
    guard let rows = rows(tensor) else { return try numbers(tensor) }
    var weights = rows.dequantized()
    if let order = matrix(tensor)?.order {
      weights.withUnsafeMutableBufferPointer { ColumnOrder.restore($0, order: Array(order)) }
    }
    return weights
  }
}

extension ExpectedTensor {
  var elementCount: Int { shape.reduce(1, *) }

  /// Whether it may be quantized.
  var isMatrix: Bool {
    switch role {
    case .linear, .vocabulary: true
    default: false
    }
  }
}
