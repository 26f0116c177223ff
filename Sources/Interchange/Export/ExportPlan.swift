internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import JSONText
internal import Kernels
internal import Quantization
internal import QuantizedFormats

/// What an export will write, and how far it is from what was trained.
package struct ExportPlan {
  /// Matrices and vectors, in the order of the files.
  package let tensors: [ExportedTensor]
  /// The file that was imported is handed back: same names, types and order.
  package let handsBack: Bool
  package let notes: [String]
  let files: [OutputFile]
  let grids: ExportGrids
  /// Of quantized matrices as they are written.
  let isSymmetric: Bool
  /// GPTQ files whose zero points are all in the middle are written in version 1, which every
  /// program reads.
  var usesVersion1: Bool { isSymmetric }

  package var isExact: Bool { tensors.allSatisfy(\.isExact) }
  package var byteCount: Int {
    files.reduce(0) { sum, file in sum + file.tensors.reduce(0) { $0 + $1.declaration.byteCount } }
  }
  /// The tensor that is farthest from what was trained.
  package var worst: ExportedTensor? { tensors.max { $0.relativeError < $1.relativeError } }
}

/// A file of an export before it is written.
struct OutputFile {
  var name: String
  /// `__metadata__` of a safetensors file.
  var metadata: [(key: String, value: String)] = []
  var tensors: [OutputTensor]
}

/// Collects the tensors of a plan.
struct ExportPlanner {
  let tuned: TunedBase
  let options: ExportOptions
  /// Told how many of the weights have been looked at; what it throws ends the planning.
  let progress: (Int) throws -> Void
  private(set) var tensors: [ExportedTensor] = []
  private(set) var faults: [String] = []
  private(set) var grids = ExportGrids()

  init(_ tuned: TunedBase, _ options: ExportOptions, progress: @escaping (Int) throws -> Void) {
    (self.tuned, self.options, self.progress) = (tuned, options, progress)
  }

  /// The tensors of a matrix that a format holds quantized.
  mutating func coded(
    _ module: ExportModule, as format: any QuantizedFormat, _ target: CodeTarget?, form: String
  ) throws -> [OutputTensor] {
    guard let rows = try codedRows(module) else { return [] }
    let order = order(of: module)
    var difference = ExportDifference()
    if let target {
      guard let converted = CodeConversion(target: target).convert(rows) else {
        faults.append(
          "\(module.name): a scale is too large for \(format.name), whose scales are fp16")
        return []
      }
      difference = converted.difference
    }
    record(module.name, form, difference)
    try progress(rows.layout.rows * rows.layout.columns)
    let layout = (target?.layout ?? rows.layout).with(rows: module.rows)
    if options.format != .gguf { grids.add(module.name, layout) }
    let declarations = format.declarations(module.name, layout, reordered: order != nil)
    return declarations.map { declaration in
      var declaration = declaration
      if declaration.name == module.tensorName, declaration.type.isBlockQuantized {
        declaration.shape = module.shape
      }
      return output(declaration, module, format, target, order)
    }
  }

  /// A tensor of a quantized matrix, made when it is written.
  func output(
    _ declaration: TensorDeclaration, _ module: ExportModule, _ format: any QuantizedFormat,
    _ target: CodeTarget?, _ order: [Int32]?
  ) -> OutputTensor {
    let tuned = tuned
    return OutputTensor(declaration) {
      guard var rows = try Self.rows(module, tuned) else { return [] }
      if let target, let converted = CodeConversion(target: target).convert(rows) {
        rows = converted.rows
      }
      return try format.bytes(declaration, of: rows, order: order)
    }
  }

  /// Rows of the file with the task's scales; records a fault where parts of it cannot be one.
  mutating func codedRows(_ module: ExportModule) throws -> CodedRows? {
    let layouts = module.parts.compactMap { tuned.matrix($0.tensor)?.layout.with(rows: 1) }
    guard layouts.count == module.parts.count, Set(layouts.map(\.summary)).count == 1 else {
      faults.append(
        "\(module.name): the layers that share this tensor have other bits, groups or scales than "
          + "each other")
      return nil
    }
    return try Self.rows(module, tuned)
  }

  private static func rows(_ module: ExportModule, _ tuned: TunedBase) throws -> CodedRows? {
    let parts = module.parts.compactMap { tuned.rows($0.tensor) }
    return parts.count == module.parts.count ? CodedRows(module, parts) : nil
  }

  func order(of module: ExportModule) -> [Int32]? {
    tuned.matrix(module.parts[0].tensor)?.order.map { Array($0) }
  }

  /// A tensor in full precision.
  mutating func dense(_ module: ExportModule, as type: ElementType) throws -> OutputTensor {
    let (tensor, difference) = try tuned.dense(module, as: type)
    record(module.tensorName, type.name, difference)
    try progress(module.shape.reduce(1, *))
    return tensor
  }

  mutating func record(_ name: String, _ form: String, _ difference: ExportDifference) {
    tensors.append(
      ExportedTensor(
        name: name, form: form, relativeError: difference.relative,
        largestError: difference.largest))
  }

  mutating func fault(_ text: String) { faults.append(text) }

  mutating func plan(
    _ files: [OutputFile], handsBack: Bool, notes: [String] = []
  ) throws -> ExportPlan {
    if !handsBack, options.format != .mlx, let odd = grids.exceptions.first {
      fault(
        "\(options.format.rawValue) has one number of bits and one group size for all layers; "
          + "\(grids.exceptions.count) have others than most, e.g. \(odd.name). Write mlx or gguf")
    }
    guard faults.isEmpty else {
      throw ModelFileError.faults(
        path: tuned.base.path,
        ["this base cannot be written as \(options.format.rawValue)"] + faults.prefix(10)
          + (faults.count > 10 ? ["and \(faults.count - 10) more"] : []))
    }
    return ExportPlan(
      tensors: tensors, handsBack: handsBack, notes: notes, files: files, grids: grids,
      isSymmetric: isSymmetric)
  }
}

extension PackedLayout {
  /// What two layouts must share to be parts of one.
  fileprivate var summary: String {
    "\(columns) \(bits) \(groupSize) \(offset) \(scaleType) \(groupsPerScale)"
  }
}
