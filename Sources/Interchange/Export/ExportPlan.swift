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
  /// Of a GGUF file.
  let metadata: [GGUFEntry]
  /// All zero points are in the middle of the codes, as they are written.
  let isSymmetric: Bool
  /// Some matrix has its columns in act-order.
  let isReordered: Bool

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
  /// All zero points of the base are in the middle of the codes, as they are written.
  let isSymmetric: Bool
  /// Told how many of the weights have been looked at; what it throws ends the planning.
  let progress: (Int) throws -> Void
  private(set) var tensors: [ExportedTensor] = []
  private(set) var faults: [String] = []
  private(set) var grids = ExportGrids()

  init(_ tuned: TunedBase, _ options: ExportOptions, progress: @escaping (Int) throws -> Void) {
    (self.tuned, self.options, self.progress) = (tuned, options, progress)
    isSymmetric = Self.isSymmetric(tuned, options.format)
  }

  /// The tensors of a matrix that a format holds quantized. `rows` are those of the module.
  mutating func coded(
    _ module: ExportModule, _ rows: CodedRows, as format: any QuantizedFormat,
    _ target: CodeTarget, form: String
  ) throws -> [OutputTensor] {
    guard let converted = CodeConversion(target: target).convert(rows) else {
      faults.append(
        "\(module.name): a scale is too large for \(format.name), whose scales are fp16")
      return []
    }
    record(module.name, form, converted.difference)
    try progress(rows.layout.rows * rows.layout.columns)
    let layout = target.layout.with(rows: module.rows)
    if options.format != .gguf { grids.add(module.name, layout) }
    let declarations = format.declarations(module.name, layout)
    let shared = SharedRows(uses: declarations.count) { [tuned] in
      try Self.rows(module, tuned).flatMap { CodeConversion(target: target).convert($0)?.rows }
    }
    let order = order(of: module)
    return declarations.map { declaration in
      var declaration = declaration
      if declaration.name == module.tensorName, declaration.type.isBlockQuantized {
        declaration.shape = module.shape
      }
      return OutputTensor(declaration) { [declaration] in
        try shared.take().map { try format.bytes(declaration, of: $0, order: order) } ?? []
      }
    }
  }

  /// A tensor of a matrix that is handed back, made when it is written: those of a module may stand
  /// far from each other in a file.
  func output(
    _ declaration: TensorDeclaration, _ module: ExportModule, _ format: any QuantizedFormat
  ) -> OutputTensor {
    let order = order(of: module)
    return OutputTensor(declaration) { [tuned] in
      try Self.rows(module, tuned).map { try format.bytes(declaration, of: $0, order: order) } ?? []
    }
  }

  /// Rows of the file with the task's scales; records a fault where parts of it cannot be one.
  mutating func codedRows(_ module: ExportModule) throws -> CodedRows? {
    try layout(of: module).flatMap { _ in try Self.rows(module, tuned) }
  }

  /// The layout of all rows of the file; records a fault where parts of it have others.
  mutating func layout(of module: ExportModule) -> PackedLayout? {
    let layouts = module.parts.compactMap { tuned.layout($0.tensor)?.with(rows: 1) }
    guard layouts.count == module.parts.count, Set(layouts.map(\.summary)).count == 1 else {
      faults.append(
        "\(module.name): the layers that share this tensor have other bits, groups or scales than "
          + "each other")
      return nil
    }
    return layouts[0].with(rows: module.rows)
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
    _ files: [OutputFile], handsBack: Bool, metadata: [GGUFEntry] = [], notes: [String] = []
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
      metadata: metadata, isSymmetric: isSymmetric,
      isReordered: tuned.config.expectedTensors.contains { tuned.matrix($0)?.order != nil })
  }
}

extension PackedLayout {
  /// What two layouts must share to be parts of one.
  fileprivate var summary: String {
    "\(columns) \(bits) \(groupSize) \(offset) \(scaleType) \(groupsPerScale)"
  }
}

/// Rows that several tensors of a file are made of: computed for the first, let go with the last.
private final class SharedRows {
  private let make: () throws -> CodedRows?
  private var uses: Int
  private var rows: CodedRows?

  init(uses: Int, make: @escaping () throws -> CodedRows?) {
    (self.uses, self.make) = (uses, make)
  }

  func take() throws -> CodedRows? {
    if rows == nil { rows = try make() }
    uses -= 1
    defer { if uses == 0 { rows = nil } }
    return rows
  }
}
