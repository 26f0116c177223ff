internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import JSONText
internal import Kernels
internal import Quantization
internal import TestSupport
import Testing

/// Scales over the forms of matrix that quantized files of others have: minima that move with their
/// scale, super-blocks, columns in another order, numbers of three types.
@Suite struct ImportedFormsTests {
  private static let tokens: [Int32] = [1, 5, 9, 40, 77]
  private static let targets: [Int32] = [5, 9, 40, 77, 3]

  /// Masters that move every scale and gain by up to a fifth.
  private func masters(_ scales: TrainableScales, _ imported: ImportedBase) -> [Float] {
    var random = SplitMix64(seed: 3)
    let inUnits = scales.task.form == .scales && scales.parametrization == .absolute
    return scales.task.entries.enumerated().flatMap { index, entry in
      (0..<entry.range.count).map {
        let part = Float.random(in: -0.2...0.2, using: &random)
        return inUnits ? part * imported.matrices[index].scales[$0] : part
      }
    }
  }

  /// As `setMasters` documents them: scales [O, K], and gains [O] where there are such.
  private func moved(
    _ matrix: ImportedMatrix, _ scales: TrainableScales, _ masters: ArraySlice<Float>
  ) -> (scales: [Float], minima: [Float], gains: [Float]?) {
    let (masters, type) = (Array(masters), matrix.layout.scaleType)
    guard scales.task.form == .scales else {
      let gains = masters.map { 1 + $0 }
      func times(_ numbers: [Float]) -> [Float] {
        numbers.enumerated().map { type.rounded($1 * gains[$0 / matrix.layout.scalesPerRow]) }
      }
      return (times(matrix.scales), times(matrix.minima), gains)
    }
    let isRelative = scales.parametrization == .relative
    let now = zip(matrix.scales, masters).map {
      type.rounded(isRelative ? $0 * (1 + $1) : $0 + $1)
    }
    let minima = matrix.minima.enumerated().map { i, minimum in
      matrix.scales[i] == 0 ? minimum : type.rounded(minimum * (now[i] / matrix.scales[i]))
    }
    return (now, minima, nil)
  }

  // MARK: - Numbers

  @Test(arguments: [ScaleGranularity.row, .group], ScaleParametrization.allCases)
  func minimaFollowTheirScales(
    _ granularity: ScaleGranularity, _ parametrization: ScaleParametrization
  ) throws {
    let imported = try ImportedBase()
    let scales = TrainableScales(
      weights: try DecoderWeights(imported.base), granularity: granularity,
      parametrization: parametrization)
    #expect(scales.task.form == (granularity == .row ? .gains : .scales))
    let masters = masters(scales, imported)
    let faults = masters.withUnsafeBufferPointer { scales.setMasters($0) }
    #expect(faults == ScaleFaults())
    for (index, entry) in scales.task.entries.enumerated() {
      let (matrix, type) = (imported.matrices[index], imported.matrices[index].kind.type)
      var rows = imported.base.linear(entry.role, layer: entry.layer).rows
      scales.task.apply(to: &rows, layer: entry.layer, role: entry.role)
      let want = moved(matrix, scales, masters[entry.range])
      #expect(rows.scales == bytes(want.scales, type), "\(matrix.name)")
      #expect(rows.minima == bytes(want.minima, type), "\(matrix.name)")
      #expect(want.minima.isEmpty || want.minima != matrix.minima)
      // The pair is turned by one factor, but for the rounding of the minimum to its type and two
      // roundings of fp32; the least numbers of fp16 are 2^-24 apart.
      let half = type == .f16 ? 0x1p-11 : type == .bf16 ? 0x1p-8 : 0x1p-24
      for (i, minimum) in want.minima.enumerated() {
        let factor =
          want.gains.map { Double($0[i / matrix.layout.scalesPerRow]) }
          ?? (matrix.scales[i] == 0 ? 1 : Double(want.scales[i]) / Double(matrix.scales[i]))
        let exact = Double(matrix.minima[i]) * factor
        #expect(abs(Double(minimum) - exact) <= abs(exact) * (half + 0x1.1p-23) + 0x1p-25)
      }
    }
  }

  // MARK: - Gradients

  private func gradient(
    _ decoder: Decoder, _ scales: TrainableScales, _ masters: [Float] = []
  ) throws -> ([Float], loss: Double) {
    if !masters.isEmpty { masters.withUnsafeBufferPointer { _ = scales.setMasters($0) } }
    decoder.use(scales.task)
    var gradient = [Float](repeating: .nan, count: scales.count)
    let sum = try gradient.withUnsafeMutableBufferPointer {
      try decoder.lossAndGradient(
        Self.tokens, targets: Self.targets, scales: scales, gradient: $0)
    }
    return (gradient, sum.loss)
  }

  /// Scales of every number, and gains, away from where they start, against central differences of
  /// the plain decoder: by the factor that turns all weights of a scale, which is what it means.
  @Test(arguments: [ScaleGranularity.row, .group])
  func gradientsAreSlopes(_ granularity: ScaleGranularity) throws {
    let imported = try ImportedBase()
    let decoder = try makeDecoder(imported.base.path)
    let scales = TrainableScales(
      weights: decoder.weights, granularity: granularity, parametrization: .absolute)
    let masters = masters(scales, imported)
    let (gradient, loss) = try gradient(decoder, scales, masters)

    let now = scales.task.entries.enumerated().map { index, entry in
      moved(imported.matrices[index], scales, masters[entry.range])
    }
    var plain = try imported.plain()
    plain.matrices = zip(imported.matrices, now).map { $0.plain($1.scales, $1.minima) }
    #expect(abs(plain.loss(Self.tokens, Self.targets) - loss) < 1e-6 * loss)

    var random = SplitMix64(seed: 4)
    for (index, entry) in scales.task.entries.enumerated() {
      let matrix = imported.matrices[index]
      let values = now[index].gains ?? now[index].scales
      let byFactor = values.enumerated().map { i, value in
        Double(gradient[entry.range.lowerBound + i]) * Double(value)
      }
      let present = values.indices.filter { values[$0] != 0 }
      let steepest = present.sorted { abs(byFactor[$0]) > abs(byFactor[$1]) }.prefix(4)
      let chosen = steepest + present.shuffled(using: &random).prefix(8)
      let expected = chosen.map { i in
        let columns =
          scales.task.form == .gains
          ? Array(0..<matrix.layout.columns)
          : matrix.inputColumns(of: i % matrix.layout.scalesPerRow)
        return plain.slope(
          ofFactorOn: columns, row: i / entry.groups, in: index, Self.tokens, Self.targets)
      }
      let difference = zip(chosen, expected).reduce(0) { $0 + pow(byFactor[$1.0] - $1.1, 2) }
      let norm = expected.reduce(0) { $0 + $1 * $1 }.squareRoot()
      // As in `CentralDifferenceTests`: fp32 shows 4e-6 of the norm, differences err by 1e-8.
      #expect(norm > 0 && difference.squareRoot() <= 1e-4 * norm, "\(matrix.name), \(index)")
    }
  }

  /// The gradient of s = s0 (1 + d) is s0 times that of s = s0 + d, bit by bit, at d = 0.
  @Test func relativeGradientsAreTimesTheBase() throws {
    let imported = try ImportedBase()
    let decoder = try makeDecoder(imported.base.path)
    func gradients(_ parametrization: ScaleParametrization) throws -> [Float] {
      let scales = TrainableScales(
        weights: decoder.weights, granularity: .group, parametrization: parametrization)
      return try gradient(decoder, scales).0
    }
    let base = imported.matrices.flatMap(\.scales)
    let want = zip(try gradients(.absolute), base).map { $0 * $1 }
    #expect(try gradients(.relative) == want)
    #expect(want.contains { $0 != 0 })
  }

  /// Beside a minimum, and in super-blocks, a scale of 0 says nothing of a factor, whether the base
  /// has it or training has led there: its gradient is 0, so that it stays.
  @Test(arguments: ScaleParametrization.allCases)
  func aScaleOfZeroStays(_ parametrization: ScaleParametrization) throws {
    let imported = try ImportedBase()
    let decoder = try makeDecoder(imported.base.path)
    let scales = TrainableScales(
      weights: decoder.weights, granularity: .group, parametrization: parametrization)
    let masters = scales.task.entries.indices.flatMap { index in
      imported.matrices[index].scales.enumerated().map { i, scale -> Float in
        i % 5 > 0 ? 0 : parametrization == .relative ? -1 : -scale
      }
    }
    let (gradient, _) = try gradient(decoder, scales, masters)
    for (index, entry) in scales.task.entries.enumerated() {
      let matrix = imported.matrices[index]
      guard matrix.layout.offset != .zeros else { continue }
      let zeros = matrix.scales.indices.filter { matrix.scales[$0] == 0 || $0 % 5 == 0 }
      let moving = zeros.count { gradient[entry.range.lowerBound + $0] != 0 }
      #expect(moving == 0, "\(matrix.name), \(matrix.layout.groupsPerScale) groups a scale")
      #expect(gradient[entry.range].contains { $0 != 0 })
    }
  }
}

extension PlainDecoder {
  /// d(loss)/d(ln f) of a factor f on some weights of a row, by central differences with 1e-4.
  fileprivate mutating func slope(
    ofFactorOn columns: [Int], row: Int, in matrix: Int, _ tokens: [Int32], _ targets: [Int32]
  ) -> Double {
    let start = row * matrices[matrix].columns
    let losses = [1 + 1e-4, 1 - 1e-4, 1].map { factor in
      for column in columns { matrices[matrix].scales[start + column] = factor }
      return loss(tokens, targets)
    }
    return (losses[0] - losses[1]) / 2e-4
  }
}

// MARK: - A base by hand

/// Numbers that the type holds exactly, as a file has them.
private func bytes(_ numbers: [Float], _ type: FloatType) -> [UInt8] {
  numbers.flatMap { number -> [UInt8] in
    switch type {
    case .f32: withUnsafeBytes(of: number.bitPattern) { Array($0) }
    case .f16: withUnsafeBytes(of: Float16(number).bitPattern) { Array($0) }
    case .bf16: withUnsafeBytes(of: UInt16(number.bitPattern >> 16)) { Array($0) }
    }
  }
}

/// A matrix of random numbers, as docs/file-formats.md describes them.
private struct ImportedMatrix {
  struct Kind {
    let bits, groupSize: Int
    let offset: PackedLayout.Offset
    let type: FloatType
    var groupsPerScale = 1
    var ordered = false
  }

  /// Between them: every offset, type and kind of group; super-blocks that are parts, and one that
  /// is a whole row.
  static let kinds = [
    Kind(bits: 4, groupSize: 16, offset: .minima, type: .f16),
    Kind(bits: 5, groupSize: 32, offset: .minima, type: .bf16, ordered: true),
    Kind(bits: 6, groupSize: 16, offset: .centre, type: .f16, groupsPerScale: 2),
    Kind(bits: 4, groupSize: 16, offset: .minima, type: .f16, groupsPerScale: 4),
    Kind(bits: 3, groupSize: -1, offset: .minima, type: .f32),
    Kind(bits: 2, groupSize: 16, offset: .minima, type: .f32, groupsPerScale: 3, ordered: true),
    Kind(bits: 8, groupSize: 64, offset: .zeros, type: .bf16, ordered: true),
  ]

  let name: String
  let kind: Kind
  let layout: PackedLayout
  /// Codes [O, I].
  private let codes: [Int]
  /// [O, K]; minima empty where there are none.
  let scales, minima: [Float]
  /// [O, G], as far as the form has them.
  private let zeros, blockMinima: [UInt8]
  private let blockScales: [Int8]
  private let order: [Int32]?
  private var isSuper: Bool { layout.groupsPerScale > 1 }

  init(inPlaceOf linear: QuantizedMatrix, _ kind: Kind, _ random: inout SplitMix64) {
    (name, self.kind) = (linear.name, kind)
    let (rows, columns) = (linear.layout.rows, linear.layout.columns)
    let layout = PackedLayout(
      rows: rows, columns: columns, bits: kind.bits, groupSize: kind.groupSize,
      offset: kind.offset, scaleType: kind.type, groupsPerScale: kind.groupsPerScale)
    self.layout = layout
    let (isSuper, hasMinima) = (kind.groupsPerScale > 1, kind.offset == .minima)
    let (groups, numbers) = (rows * layout.groups, rows * layout.scalesPerRow)
    let top = layout.maximumCode
    let step = 0.2 / Float(top) / (isSuper ? 32 : 1)  // for weights of about a tenth
    codes = (0..<rows * columns).map { _ in Int.random(in: 0...top, using: &random) }
    scales = (0..<numbers).map { _ in
      let scale = step * Float.random(in: 0.5...1.5, using: &random)
      return switch Int.random(in: 0..<8, using: &random) {
      case 0: 0
      case 1: -kind.type.rounded(scale)
      default: kind.type.rounded(scale)
      }
    }
    let depths: ClosedRange<Float> = isSuper ? 0...0.15 / 32 : -0.15...0.05
    minima = (0..<(hasMinima ? numbers : 0)).map { _ in
      kind.type.rounded(Float.random(in: depths, using: &random))
    }
    func integers(_ range: ClosedRange<Int>, where present: Bool) -> [Int] {
      (0..<(present ? groups : 0)).map { _ in Int.random(in: range, using: &random) }
    }
    zeros = integers(0...top, where: kind.offset == .zeros).map { UInt8($0) }
    blockScales = integers(hasMinima ? 0...40 : -32...31, where: isSuper).map { Int8($0) }
    blockMinima = integers(0...63, where: isSuper && hasMinima).map { UInt8($0) }
    order = kind.ordered ? (0..<Int32(columns)).shuffled(using: &random) : nil
  }

  /// The weights with other scales and minima [O, K], as a matrix whose every weight has a scale of
  /// its own: 1.
  func plain(_ scales: [Float], _ minima: [Float]) -> PlainDecoder.Matrix {
    let (rows, columns) = (layout.rows, layout.columns)
    var weights = [Double](repeating: .nan, count: rows * columns)
    for (at, code) in codes.enumerated() {
      let (row, column, q) = (at / columns, at % columns, Double(code))
      let group = column / layout.groupSize
      let block = row * layout.groups + group
      let number = row * layout.scalesPerRow + group / layout.groupsPerScale
      let s = Double(scales[number]) * (isSuper ? Double(blockScales[block]) : 1)
      weights[row * columns + inputColumn(column)] =
        switch layout.offset {
        case .zeros, .realZeros: s * (q - Double(zeros[block]))
        case .centre: s * (q - Double(1 << (layout.bits - 1)))
        case .minima: s * q + Double(minima[number]) * (isSuper ? -Double(blockMinima[block]) : 1)
        }
    }
    return PlainDecoder.Matrix(
      rows: rows, columns: columns, groupSize: 1, groups: columns, integers: weights,
      scales: [Double](repeating: 1, count: weights.count), bias: nil)
  }

  private func inputColumn(_ column: Int) -> Int { order.map { Int($0[column]) } ?? column }

  /// Columns of the input whose weights scale `number` of a row turns.
  func inputColumns(of number: Int) -> [Int] {
    let columns = layout.groupSize * layout.groupsPerScale
    return (0..<layout.columns).filter { $0 / columns == number }.map(inputColumn)
  }

  /// Its part of "grids" in the manifest.
  var grid: JSONValue {
    [
      "bits": .integer(kind.bits), "group_size": .integer(kind.groupSize),
      "groups_per_scale": .integer(kind.groupsPerScale),
    ]
  }

  var tensors: [(TensorDeclaration, [UInt8])] {
    let (rows, type) = (layout.rows, kind.type.elementType)
    let (groups, numbers) = ([rows, layout.groups], [rows, layout.scalesPerRow])
    func part(
      _ suffix: String, _ type: ElementType, _ shape: [Int], _ bytes: [UInt8]
    ) -> (TensorDeclaration, [UInt8]) {
      (TensorDeclaration(name: name + suffix, type: type, shape: shape), bytes)
    }
    return [
      part(".codes", .u8, [rows, layout.rowStride], packed),
      part(".scales", type, numbers, bytes(scales, kind.type)),
      part(".minima", type, numbers, bytes(minima, kind.type)), part(".zeros", .u8, groups, zeros),
      part(".block_scales", .i8, groups, blockScales.map { UInt8(bitPattern: $0) }),
      part(".block_minima", .u8, groups, blockMinima),
      part(".order", .i32, [layout.columns], (order ?? []).withUnsafeBytes { Array($0) }),
    ].filter { !$0.1.isEmpty }
  }

  private var packed: [UInt8] {
    var packed = [UInt8](repeating: 0, count: layout.byteCount)
    for (at, code) in codes.enumerated() {
      for bit in 0..<layout.bits where code >> bit & 1 == 1 {
        let place = at % layout.columns * layout.bits + bit
        packed[at / layout.columns * layout.rowStride + place / 8] |= 1 << UInt8(place % 8)
      }
    }
    return packed
  }
}

/// The model of a fixture with linear layers of every form, and the same in plain numbers.
private struct ImportedBase {
  let base: QuantizedBase
  /// Layer by layer, in the order of `BlockSpec.linears`, as entries are.
  let matrices: [ImportedMatrix]
  private let source: QuantizedBase
  private let folder: TemporaryFolder

  init() throws {
    source = try QuantizedBase(path: Fixtures.path("llama_4bit_row"))
    folder = try TemporaryFolder()
    var random = SplitMix64(seed: 1)
    var matrices: [ImportedMatrix] = []
    for layer in 0..<source.config.layerCount {
      for (position, role) in source.config.block.linears.enumerated() {
        let linear = source.linear(role, layer: layer)
        // A layer's shift lets attention and MLP have different forms in each.
        let kind = ImportedMatrix.kinds[(position + 3 * layer) % ImportedMatrix.kinds.count]
        matrices.append(ImportedMatrix(inPlaceOf: linear, kind, &random))
      }
    }
    self.matrices = matrices
    let file = folder(BaseManifest.weightsName)
    let digest = try Self.write(matrices, beside: source.file, to: file)
    let manifest: JSONValue = [
      "format": .string(BaseManifest.formatName), "version": 2, "base_sha256": .string(digest),
      "bits": 4, "group_size": -1, "sym": false,
      "grids": .object(matrices.map { JSONValue.Member(key: $0.name, value: $0.grid) }),
    ]
    try folder.put(BaseManifest.fileName, manifest.text())
    try FileManager.default.copyItem(
      atPath: source.path + "/config.json", toPath: folder("config.json"))
    base = try QuantizedBase(path: folder.path)
  }

  /// Embedding, norms and output matrix of the fixture; its linear layers have to be replaced.
  func plain() throws -> PlainDecoder { try PlainDecoder(source) }

  /// Large elements first, so that all are aligned.
  private static func write(
    _ matrices: [ImportedMatrix], beside file: SafetensorsFile, to path: String
  ) throws -> String {
    let dense = file.tensors.filter { !$0.name.contains("_proj.") }.map {
      let declaration = TensorDeclaration(name: $0.name, type: $0.type, shape: $0.shape)
      return (declaration, Array(file.bytes(of: $0)))
    }
    let sorted = (dense + matrices.flatMap(\.tensors)).sorted {
      $0.0.type.blockBytes > $1.0.type.blockBytes
    }
    let writer = try SafetensorsWriter(path: path, tensors: sorted.map(\.0), digest: true)
    for (tensor, bytes) in sorted { try writer.append(bytes, to: tensor.name) }
    return try #require(try writer.finish())
  }
}
