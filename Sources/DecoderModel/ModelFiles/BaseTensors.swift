internal import Checkpoints
internal import Quantization

/// Finds and checks every tensor of a base, whose file is not empty; reports all faults together.
struct BaseTensors {
  private let file: SafetensorsFile
  private let settings: QuantizationSettings
  private let owner: MappedFile
  private var faults: [String] = []

  private init(_ file: SafetensorsFile, _ settings: QuantizationSettings) {
    self.file = file
    self.settings = settings
    owner = file.file(of: file.tensors[0])
  }

  static func collect(
    _ file: SafetensorsFile, _ config: DecoderConfig, _ settings: QuantizationSettings
  ) throws -> ([QuantizedLinear], [String: DenseTensor]) {
    var tensors = BaseTensors(file, settings)
    var linears: [QuantizedLinear] = []
    var dense: [String: DenseTensor] = [:]
    for expected in config.expectedTensors {
      switch expected.role {
      case .linear(let role, let layer):
        let linear = tensors.linear(
          role.name(layer: layer), rows: expected.shape[0], columns: expected.shape[1],
          biased: config.block.biases.contains(role.kind))
        if let linear { linears.append(linear) }
      case .bias: break
      case .vocabulary, .norm, .normBias, .outputBias, .positions, .projection, .router:
        let types: [ElementType] = expected.role == .vocabulary ? [.f16, .bf16, .f32] : [.f32]
        guard let bytes = tensors.find(expected.name, types, expected.shape) else { continue }
        dense[expected.name] = DenseTensor(
          name: expected.name, type: bytes.type, shape: expected.shape, bytes: bytes.bytes,
          owner: tensors.owner)
      }
    }
    guard tensors.faults.isEmpty else {
      throw ModelFileError.faults(path: file.path, tensors.faults)
    }
    return (linears, dense)
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

  private mutating func linear(
    _ name: String, rows: Int, columns: Int, biased: Bool
  ) -> QuantizedLinear? {
    let layout = PackedLayout(
      rows: rows, columns: columns, bits: settings.bits, groupSize: settings.groupSize)
    let shape = [rows, layout.groups]
    let codes = find(name + ".codes", [.u8], [rows, layout.rowStride])
    let scales = find(name + ".scales", [.f16], shape)
    let zeros = find(name + ".zeros", [.u8, .f16], shape)
    let bias = biased ? find(name + ".bias", [.f32], [rows]) : nil
    guard let codes, let scales, let zeros else { return nil }
    let halves = scales.bytes.assumingMemoryBound(to: UInt16.self)
    checkHalves(halves, name + ".scales")
    return QuantizedLinear(
      name: name, layout: layout, codes: codes.bytes, scales: halves,
      zeros: zeroPoints(zeros.type, zeros.bytes, name, layout),
      bias: bias?.bytes.assumingMemoryBound(to: Float.self), owner: owner)
  }

  private mutating func zeroPoints(
    _ type: ElementType, _ bytes: UnsafeRawBufferPointer, _ name: String, _ layout: PackedLayout
  ) -> QuantizedLinear.ZeroPoints {
    guard type == .u8 else {
      let halves = bytes.assumingMemoryBound(to: UInt16.self)
      checkHalves(halves, name + ".zeros")
      return .reals(halves)
    }
    let integers = bytes.assumingMemoryBound(to: UInt8.self)
    let maximum = UInt8(layout.maximumCode)
    var bad = false
    for zero in integers { bad = bad || zero == 0 || zero > maximum }
    if bad { faults.append("tensor \"\(name).zeros\" leaves the range 1 to \(maximum)") }
    return .integers(integers)
  }

  /// An exponent of all ones is an infinity or a NaN.
  private mutating func checkHalves(_ halves: UnsafeBufferPointer<UInt16>, _ name: String) {
    var bad = false
    for half in halves { bad = bad || half & 0x7C00 == 0x7C00 }
    if bad { faults.append("tensor \"\(name)\" holds NaN or infinity") }
  }
}
