package import Checkpoints
internal import Kernels
package import Quantization

/// How a program keeps quantized matrices: which tensors make one up, and how their bytes become
/// codes and back, bit for bit.
///
/// A module is a layer by the name it has in the file, without suffix:
/// `model.layers.0.self_attn.q_proj`. Rows are the outputs of a module.
package protocol QuantizedFormat: Sendable {
  /// As `peqa export --format` has it.
  var name: String { get }

  /// The matrix of a module; nil where the file keeps it in full precision.
  func matrix(
    _ module: String, rows: Int, columns: Int, in files: any TensorSource
  ) throws(QuantizedFormatError) -> StoredMatrix?

  /// Rows `storedRows` of a matrix, in that order.
  func read(
    _ matrix: StoredMatrix, _ storedRows: [Int], in files: any TensorSource
  ) throws(QuantizedFormatError) -> CodedRows

  /// The tensors of a module with this layout, by what follows its name.
  func declarations(
    _ module: String, _ layout: PackedLayout
  ) -> [TensorDeclaration]

  /// The bytes of a tensor of that declaration, for all rows of a module.
  ///
  /// - Parameter order: the column of the file at each place of our rows.
  func bytes(
    _ tensor: TensorDeclaration, of rows: CodedRows, order: [Int32]?
  ) throws(QuantizedFormatError) -> [UInt8]
}

/// A quantized matrix of a file.
package struct StoredMatrix: Sendable, Equatable {
  package let module: String
  /// Of all its rows.
  package let layout: PackedLayout
  /// Its tensors, by what follows the module's name: `qweight`.
  package let parts: [String: TensorDescriptor]
  /// Column j of our rows is column `order[j]` of the file; nil: the same.
  package let order: [Int32]?

  package init(
    _ module: String, _ layout: PackedLayout, _ parts: [String: TensorDescriptor],
    order: [Int32]? = nil
  ) {
    (self.module, self.layout, self.parts, self.order) = (module, layout, parts, order)
  }

  package func bytes(_ part: String, in files: any TensorSource) -> UnsafeRawBufferPointer {
    parts[part].map(files.bytes(of:)) ?? UnsafeRawBufferPointer(start: nil, count: 0)
  }
}

/// Finds the tensors of a module and says what is wrong with them.
struct ModuleTensors {
  let module: String
  let files: any TensorSource
  private(set) var parts: [String: TensorDescriptor] = [:]

  init(_ module: String, _ files: any TensorSource) { (self.module, self.files) = (module, files) }

  func has(_ suffix: String) -> Bool { files.tensor(named: name(suffix)) != nil }

  func name(_ suffix: String) -> String { module + "." + suffix }

  func malformed(_ detail: String) -> QuantizedFormatError {
    .malformed(path: files.path, detail: "\"\(module)\": \(detail)")
  }

  /// The tensor of that suffix, of one of the types; `shape` nil accepts any of two dimensions.
  mutating func find(
    _ suffix: String, _ types: [ElementType], _ shape: [Int]? = nil
  ) throws(QuantizedFormatError) -> TensorDescriptor {
    guard let tensor = files.tensor(named: name(suffix)) else {
      throw malformed(
        "tensor \"\(name(suffix))\" is missing. A part of the model is not there, or the file was "
          + "not written to its end.")
    }
    guard types.contains(tensor.type) else {
      throw malformed(
        "tensor \"\(suffix)\" is \(tensor.type.name), expected "
          + types.map(\.name).joined(separator: " or "))
    }
    if let shape, tensor.shape != shape {
      throw malformed(
        "tensor \"\(suffix)\" has shape \(tensor.shape), the configuration asks for \(shape)")
    }
    guard shape != nil || tensor.shape.count == 2 else {
      throw malformed("tensor \"\(suffix)\" has shape \(tensor.shape), expected two dimensions")
    }
    parts[suffix] = tensor
    return tensor
  }

  /// Numbers of any type that scales have.
  mutating func findFloats(
    _ suffix: String
  ) throws(QuantizedFormatError) -> (tensor: TensorDescriptor, type: FloatType) {
    let tensor = try find(suffix, [.f16, .bf16, .f32])
    guard let type = FloatType(tensor.type) else { preconditionFailure("find checks the type") }
    return (tensor, type)
  }

  /// `scales` [groups, rows], as GPTQ and AWQ have them.
  mutating func transposedScales(
    rows: Int
  ) throws(QuantizedFormatError) -> (type: FloatType, groups: Int) {
    let (scales, type) = try findFloats("scales")
    guard scales.shape[1] == rows else {
      throw malformed("scales have shape \(scales.shape), expected [groups, \(rows)]")
    }
    return (type, scales.shape[0])
  }

  /// The group size of `groups` groups of `columns`: what the file says where that fits, else what
  /// does.
  func groupSize(
    _ said: Int, columns: Int, groups: Int
  ) throws(QuantizedFormatError) -> Int {
    func fits(_ size: Int) -> Bool { (columns + size - 1) / size == groups }
    if groups == 1 { return columns }
    let choices = (said > 0 ? [said] : []) + PackedLayout.supportedGroupSizes.reversed()
    guard let size = choices.first(where: fits) else {
      throw malformed("\(groups) groups for \(columns) columns; group_size is \(said)")
    }
    guard PackedLayout.supportedGroupSizes.contains(size) else {
      throw QuantizedFormatError.unsupported(
        path: files.path,
        detail: "\"\(module)\": groups of \(size) columns. Read here are groups of "
          + PackedLayout.supportedGroupSizes.map { "\($0)" }.joined(separator: ", ")
          + " and whole rows. Quantize without --keep-codes from the full-precision model.")
    }
    return size
  }
}
