internal import Checkpoints
internal import DecoderModel
internal import Kernels
internal import Quantization

/// A tensor or a layer of a file: one or several tensors of the model, whose rows it holds.
struct ExportModule {
  /// The name in the file; of a matrix, without `.weight`.
  let name: String
  let parts: [Part]
  let isMatrix: Bool

  struct Part {
    let tensor: ExpectedTensor
    let stored: StoredName
  }

  /// Rows of the file.
  var rows: Int {
    parts[0].stored.order.total ?? parts[0].tensor.shape[0]
  }

  /// All modules of a model in a format, in the order of the model. `name` gives names their form.
  static func all(
    _ config: DecoderConfig, _ format: ModelSource.Format, name: (String) -> String = { $0 }
  ) -> [ExportModule] {
    var order: [String] = []
    var parts: [String: [Part]] = [:]
    for tensor in config.expectedTensors {
      let stored = config.stored(tensor, in: format)
      let own = name(stored.name)
      if parts[own] == nil { order.append(own) }
      parts[own, default: []].append(Part(tensor: tensor, stored: stored))
    }
    return order.map { name in
      let own = parts[name] ?? []
      let isMatrix = own[0].tensor.isMatrix && name.hasSuffix(".weight")
      return ExportModule(
        name: isMatrix ? String(name.dropLast(7)) : name, parts: own, isMatrix: isMatrix)
    }
  }

  /// The name of the tensor in full precision.
  var tensorName: String { isMatrix ? name + ".weight" : name }

  /// The shape in the file.
  var shape: [Int] {
    var shape = parts[0].tensor.shape
    shape[0] = rows
    // Experts are stacked along a dimension of their own.
    if case .linear(let role, _) = parts[0].tensor.role, role.expert != nil, parts.count > 1 {
      shape = [parts.count, rows / parts.count] + shape.dropFirst()
    }
    return shape
  }

  /// Puts rows of the parts where the file has them: `write` gets a row of the file, the part, and
  /// the row in it.
  func place(_ write: (_ stored: Int, _ part: Int, _ row: Int) -> Void) {
    for (index, part) in parts.enumerated() {
      for row in 0..<part.tensor.shape[0] { write(part.stored.order.storedRow(row), index, row) }
    }
  }
}

extension CodedRows {
  /// Rows of several matrices of one layout where a file has them.
  init(_ module: ExportModule, _ parts: [CodedRows]) {
    guard module.parts.count > 1 || module.parts[0].stored.order != RowOrder() else {
      self = parts[0]
      return
    }
    self.init(layout: parts[0].layout.with(rows: module.rows))
    let layout = layout
    func move<Number>(
      _ number: WritableKeyPath<CodedRows, [Number]>, _ width: Int
    ) {
      guard !self[keyPath: number].isEmpty else { return }
      let sources = parts.map { $0[keyPath: number] }
      var target = self[keyPath: number]
      self[keyPath: number] = []
      module.place { stored, part, row in
        target.replaceSubrange(
          stored * width..<(stored + 1) * width,
          with: sources[part][row * width..<(row + 1) * width])
      }
      self[keyPath: number] = target
    }
    let scaleBytes = layout.scalesPerRow * layout.scaleType.byteCount
    move(\.codes, layout.rowStride)
    move(\.scales, scaleBytes)
    move(\.zeros, layout.groups * (layout.offset == .realZeros ? 2 : 1))
    move(\.minima, scaleBytes)
    move(\.blockScales, layout.groups)
    move(\.blockMinima, layout.groups)
  }
}
