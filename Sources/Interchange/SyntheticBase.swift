internal import Checkpoints
package import DecoderModel
internal import Foundation
internal import JSONText
internal import Kernels
package import Quantization

/// A base of any shape without a model: random codes, for measurements and plans.
///
/// It costs what a real base of that shape costs, and its numbers stay finite and of order 1
/// through any number of layers: weights have the variance 1 / I, those that end a branch 1 / (2 L
/// I), so L blocks double the variance of the residual stream and no more. Rows have zero points
/// just above or below the middle of the codes by chance: one fixed zero point would give all
/// weights the same mean sign, and that one direction would grow from layer to layer.
///
/// The bytes are a function of configuration, settings and seed. There is no tokenizer.
package struct SyntheticBase {
  /// Of the shape, for the manifest.
  private let name: String
  private let config: DecoderConfig
  private let settings: QuantizationSettings
  private let seed: Int
  private let dense: [ExpectedTensor]
  private let linears: [(kind: LinearKind, placed: BaseMatrix)]

  /// Throws `badSetting` for bits or groups that no base can have.
  package init(
    name: String, config: DecoderConfig, settings: QuantizationSettings, seed: Int = 42
  ) throws {
    try settings.validate(allowingPoorQuality: true)
    self.name = name
    self.config = config
    self.settings = settings
    self.seed = seed
    var (vectors, matrices): ([ExpectedTensor], [ExpectedTensor]) = ([], [])
    var linears: [(LinearKind, BaseMatrix)] = []
    for tensor in config.expectedTensors {
      switch tensor.role {
      case .vocabulary: matrices.append(tensor)
      case .norm, .normBias, .bias, .outputBias, .positions, .projection, .router:
        vectors.append(tensor)
      case .linear(let role, let layer):
        let layout = settings.layout(rows: tensor.shape[0], columns: tensor.shape[1])
        linears.append(
          (
            role.kind,
            BaseMatrix(name: role.name(layer: layer), layout: layout)
          ))
      }
    }
    dense = vectors + matrices
    self.linears = linears
  }

  /// What the manifest says of where the base comes from.
  private var source: JSONValue {
    ["name": .string(name), "format": "synthetic", "seed": .integer(seed)]
  }

  private var declarations: [TensorDeclaration] {
    BaseMatrix.declarations(
      dense: dense.map {
        TensorDeclaration(
          name: $0.name, type: $0.role == .vocabulary ? .f16 : .f32, shape: $0.shape)
      },
      matrices: linears.map(\.placed))
  }

  /// Bytes of all tensors.
  package var byteCount: Int { declarations.reduce(0) { $0 + $1.byteCount } }

  /// True where `path` is a base that `write` would make again.
  package func isAlready(at path: String) -> Bool {
    guard let base = try? QuantizedBase(path: path) else { return false }
    return base.config == config && base.manifest.settings == settings
      && base.manifest.source == source
  }

  /// Writes the directory, tensor by tensor: memory stays at some MB whatever the shape.
  ///
  /// - Parameters:
  ///   - isCancelled: asked some times a second; where it says true, `QuantizationError.cancelled`
  ///     is thrown and nothing is left behind.
  ///   - progress: bytes written so far, and in all.
  package func write(
    to path: String, isCancelled: () -> Bool = { false },
    progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> BaseManifest {
    let base = try BaseWriter(path, overwrite: false)
    let total = byteCount
    // A file that memory cannot hold would only push everything else out of the page cache.
    let writer = try base.weights(
      declarations, uncached: UInt64(total) > ProcessInfo.processInfo.physicalMemory / 2)
    var done = 0
    try fill(writer) { bytes in
      if isCancelled() { throw QuantizationError.cancelled }
      done += bytes
      progress(done, total)
    }
    var manifest = BaseManifest(baseDigest: try writer.finish() ?? "", settings: settings)
    manifest.source = source
    try AtomicFile.write(
      config.huggingFaceJSON.text(indent: 2) + "\n", to: base.directory + "/config.json")
    return try base.finish(manifest)
  }

  /// Every tensor has a generator of its own, so its bytes do not depend on those before it.
  private func fill(_ writer: SafetensorsWriter, wrote: (_ bytes: Int) throws -> Void) throws {
    let fills =
      dense.map(numbers) + linears.flatMap { [codes($0.placed), scales($0.kind, $0.placed)] }
      + linears.map { _ in zeros() }
    for (index, (tensor, fill)) in zip(writer.tensors, fills).enumerated() {
      var random = SplitMix64(seed: UInt64(truncatingIfNeeded: seed))
      random = SplitMix64(seed: random.next() &+ UInt64(index) &* 0xD134_2543_DE82_EF95)
      let (rows, row) = (tensor.shape[0], tensor.byteCount / tensor.shape[0])
      let step = max(1, Self.pieceBytes / row)
      for start in stride(from: 0, to: rows, by: step) {
        let size = min(step, rows - start) * row
        let chunk = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
          fill(UnsafeMutableRawBufferPointer(buffer), &random)
          count = size
        }
        try writer.append(chunk, to: tensor.name)
        try wrote(size)
      }
    }
  }

  private static let pieceBytes = 4 << 20
}

// What stands in the tensors. Every number is one of 256 that a random byte chooses.
extension SyntheticBase {
  private typealias Fill = (UnsafeMutableRawBufferPointer, inout SplitMix64) -> Void

  /// Norms are 1 and biases 0; embeddings have the variance 1, the output matrix 1 / D, which makes
  /// logits of order 1 (with tied embeddings, of order sqrt(D)).
  private func numbers(_ tensor: ExpectedTensor) -> Fill {
    switch tensor.role {
    case .vocabulary:
      let isHead = tensor.name == DecoderConfig.outputName
      let width = isHead ? 1 / Double(config.hiddenSize).squareRoot() : 1
      // Uniform in -w sqrt(3) to w sqrt(3).
      return halves { width * (3.0).squareRoot() * (Double($0) - 127.5) / 127.5 }
    case .norm: return { bytes, _ in bytes.bindMemory(to: Float.self).update(repeating: 1) }
    // A projection keeps the variance, and so does a router, whose choice should vary.
    case .positions, .projection, .router:
      let width = 1 / Double(tensor.shape[1]).squareRoot()
      return { bytes, random in
        for number in bytes.bindMemory(to: Float.self).indices {
          bytes.bindMemory(to: Float.self)[number] = Float(
            width * (3.0).squareRoot() * (2 * random.unitInterval() - 1))
        }
      }
    default: return { bytes, _ in bytes.bindMemory(to: Float.self).update(repeating: 0) }
    }
  }

  /// Any bits are codes; what pads a row is 0.
  private func codes(_ linear: BaseMatrix) -> Fill {
    let (layout, used) = (linear.layout, linear.layout.columns * linear.layout.bits)
    return { bytes, random in
      random.fill(bytes)
      guard used < layout.rowStride * 8 else { return }
      for row in stride(from: 0, to: bytes.count, by: layout.rowStride) {
        let byte = row + used / 8
        if used % 8 > 0 { bytes[byte] &= UInt8(1 << (used % 8) - 1) }
        for pad in (row + (used + 7) / 8)..<(row + layout.rowStride) { bytes[pad] = 0 }
      }
    }
  }

  /// Within a quarter of what gives the weights their variance.
  private func scales(_ kind: LinearKind, _ linear: BaseMatrix) -> Fill {
    let levels = Double(1 << settings.bits)
    // Uniform codes, zero points half a step beside their mean.
    let spread = ((levels * levels - 1) / 12 + 0.25).squareRoot()
    let endsBranch = kind == .attentionOutput || kind == .down
    let gain = endsBranch ? 1 / Double(2 * config.layerCount).squareRoot() : 1
    let scale = gain / (spread * Double(linear.layout.columns).squareRoot())
    return halves { scale * (0.75 + Double($0) / 510) }
  }

  private func zeros() -> Fill {
    let middle = UInt8(1 << (settings.bits - 1))
    return { bytes, random in
      random.fill(bytes)
      for index in bytes.indices { bytes[index] = middle - (bytes[index] & 1) }
    }
  }

  private func halves(_ value: (Int) -> Double) -> Fill {
    let table = (0..<256).map { Float16(value($0)) }
    return { bytes, random in
      let numbers = bytes.bindMemory(to: Float16.self)
      // Random bytes in the upper half, each read before its place is written over.
      let choices = UnsafeMutableRawBufferPointer(rebasing: bytes[numbers.count...])
      random.fill(choices)
      for index in numbers.indices { numbers[index] = table[Int(choices[index])] }
    }
  }
}
