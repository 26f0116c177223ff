internal import Checkpoints
internal import Kernels
internal import Quantization

/// Finds and checks every tensor of a base, whose file is not empty; reports all faults together.
struct BaseTensors {
  private let file: SafetensorsFile
  private let manifest: BaseManifest
  private let owner: MappedFile
  private var faults: [String] = []
  private(set) var linears: [QuantizedMatrix] = []
  private(set) var vocabulary: [String: QuantizedMatrix] = [:]
  private(set) var dense: [String: DenseTensor] = [:]

  private init(_ file: SafetensorsFile, _ manifest: BaseManifest) {
    self.file = file
    self.manifest = manifest
    owner = file.file(of: file.tensors[0])
  }

  static func collect(
    _ file: SafetensorsFile, _ config: DecoderConfig, _ manifest: BaseManifest
  ) throws -> BaseTensors {
    var tensors = BaseTensors(file, manifest)
    for expected in config.expectedTensors {
      switch expected.role {
      case .linear(let role, let layer):
        let linear = tensors.matrix(
          role.name(layer: layer), expected.shape,
          biased: config.block.biases.contains(role.kind))
        if let linear { tensors.linears.append(linear) }
      case .bias: break
      case .vocabulary where file.tensor(named: expected.matrixName + ".codes") != nil:
        let matrix = tensors.matrix(expected.matrixName, expected.shape, biased: false)
        if let matrix { tensors.vocabulary[expected.name] = matrix }
      case .vocabulary, .norm, .normBias, .outputBias, .positions, .projection, .router:
        guard let bytes = tensors.find(expected.name, [.f32, .f16, .bf16], expected.shape) else {
          continue
        }
        tensors.dense[expected.name] = DenseTensor(
          name: expected.name, type: bytes.type, shape: expected.shape, bytes: bytes.bytes,
          owner: tensors.owner)
      }
    }
    guard tensors.faults.isEmpty else {
      throw ModelFileError.faults(path: file.path, tensors.faults)
    }
    return tensors
  }

  /// Bytes of a tensor, if it is there as it should be; aligned to its element.
  private mutating func find(
    _ name: String, _ types: [ElementType], _ shape: [Int]
  ) -> (type: ElementType, bytes: UnsafeRawBufferPointer)? {
    guard let tensor = file.tensor(named: name) else {
      faults.append("tensor \"\(name)\" is missing. Re-run \"peqa quantize\".")
      return nil
    }
    guard types.contains(tensor.type) else {
      let names = types.map(\.name).joined(separator: " or ")
      faults.append("tensor \"\(name)\" is \(tensor.type.name), expected \(names)")
      return nil
    }
    guard tensor.shape == shape else {
      faults.append("tensor \"\(name)\" has shape \(tensor.shape), expected \(shape)")
      return nil
    }
    let bytes = file.bytes(of: tensor)
    guard UInt(bitPattern: bytes.baseAddress) % UInt(tensor.type.blockBytes) == 0 else {
      faults.append("tensor \"\(name)\" is not aligned to its elements. Re-run \"peqa quantize\".")
      return nil
    }
    return (tensor.type, bytes)
  }

  /// What kinds of numbers a matrix has follows from the tensors that are there; bits and groups
  /// stand in the manifest.
  private mutating func matrix(
    _ name: String, _ shape: [Int], biased: Bool
  ) -> QuantizedMatrix? {
    func has(_ suffix: String) -> Bool { file.tensor(named: name + suffix) != nil }
    let (rows, columns, grid) = (shape[0], shape[1], manifest.grid(of: name))
    let scaleType = file.tensor(named: name + ".scales").flatMap { FloatType($0.type) }
    let offset: PackedLayout.Offset =
      has(".minima")
      ? .minima
      : file.tensor(named: name + ".zeros").map { $0.type == .f16 ? .realZeros : .zeros }
        ?? (grid.groupsPerScale > 1 ? .centre : .zeros)
    let layout = PackedLayout(
      rows: rows, columns: columns, bits: grid.bits, groupSize: grid.groupSize, offset: offset,
      scaleType: scaleType ?? .f16, groupsPerScale: grid.groupsPerScale)
    let (groups, scales) = ([rows, layout.groups], [rows, layout.scalesPerRow])
    let number = layout.scaleType.elementType
    func part(
      _ suffix: String, _ type: ElementType, _ shape: [Int], where wanted: Bool = true
    ) -> UnsafeRawBufferPointer? {
      wanted
        ? find(name + suffix, [type], shape)?.bytes : UnsafeRawBufferPointer(start: nil, count: 0)
    }
    let isSuper = layout.groupsPerScale > 1
    let codes = part(".codes", .u8, [rows, layout.rowStride])
    let scaleBytes = part(".scales", number, scales)
    let offsets: UnsafeRawBufferPointer? =
      switch offset {
      case .zeros: part(".zeros", .u8, groups)
      case .realZeros: part(".zeros", .f16, groups)
      case .minima: part(".minima", number, scales)
      case .centre: UnsafeRawBufferPointer(start: nil, count: 0)
      }
    let blockScales = part(".block_scales", .i8, groups, where: isSuper)
    let blockMinima = part(".block_minima", .u8, groups, where: isSuper && offset == .minima)
    let order = part(".order", .i32, [columns], where: has(".order"))
    let bias = biased ? find(name + ".bias", [.f32], [rows])?.bytes : nil
    guard let codes, let scaleBytes, let offsets, let blockScales, let blockMinima, let order else {
      return nil
    }
    check(scaleBytes, layout.scaleType, name + ".scales")
    switch offset {
    case .zeros: check(offsets, atMost: layout.maximumCode, name)
    case .realZeros: check(offsets, .f16, name + ".zeros")
    case .minima: check(offsets, layout.scaleType, name + ".minima")
    case .centre: break
    }
    if !order.isEmpty { checkPermutation(order.assumingMemoryBound(to: Int32.self), name) }
    return QuantizedMatrix(
      name: name, layout: layout, codes: codes, scales: scaleBytes, offsets: offsets,
      blockScales: blockScales, blockMinima: blockMinima,
      order: order.isEmpty ? nil : order.assumingMemoryBound(to: Int32.self),
      bias: bias?.assumingMemoryBound(to: Float.self), owner: owner)
  }

  private mutating func check(_ zeros: UnsafeRawBufferPointer, atMost maximum: Int, _ name: String)
  {
    let maximum = UInt8(maximum)
    var bad = false
    for zero in zeros { bad = bad || zero > maximum }
    if bad { faults.append("tensor \"\(name).zeros\" leaves the range 0 to \(maximum)") }
  }

  private mutating func checkPermutation(_ order: UnsafeBufferPointer<Int32>, _ name: String) {
    var seen = [Bool](repeating: false, count: order.count)
    for column in order where order.indices.contains(Int(column)) { seen[Int(column)] = true }
    if seen.contains(false) {
      faults.append("tensor \"\(name).order\" is no order of the columns 0 to \(order.count - 1)")
    }
  }

  private mutating func check(
    _ numbers: UnsafeRawBufferPointer, _ type: FloatType, _ name: String
  ) {
    if !type.areFinite(numbers) { faults.append("tensor \"\(name)\" holds NaN or infinity") }
  }
}

extension ExpectedTensor {
  /// The name without `.weight`: to which the parts of a quantized matrix append theirs.
  package var matrixName: String { name.hasSuffix(".weight") ? String(name.dropLast(7)) : name }
}
