import Checkpoints
import DecoderModel
import Foundation
import Kernels
import Quantization

/// A decoder in Double with loops for products, written from the meaning of `BlockSpec` and
/// `EndsSpec`; one segment, no scaling of the rotation.
struct PlainDecoder {
  struct Matrix {
    let rows, columns, groupSize, groups: Int
    /// q - z [O, I].
    var integers: [Double]
    /// [O, G].
    var scales: [Double]
    let bias: [Double]?

    func callAsFunction(_ x: [Double]) -> [Double] {
      // Without checks of bounds: nearly all time of this test is here.
      let y = integers.withUnsafeBufferPointer { integers in
        x.withUnsafeBufferPointer { x in
          (0..<rows).map { o in
            var total = 0.0
            for g in 0..<groups {
              var sum = 0.0
              for i in g * groupSize..<min(columns, (g + 1) * groupSize) {
                sum += x[i] * integers[o * columns + i]
              }
              total += sum * scales[o * groups + g]
            }
            return total
          }
        }
      }
      return bias.map { zip(y, $0).map(+) } ?? y
    }
  }

  struct PlainNorm {
    let weight: [Double]
    /// Of a LayerNorm, which subtracts the mean.
    let bias: [Double]?
  }

  let config: DecoderConfig
  /// In the order of `BlockSpec.linears`, block by block.
  var matrices: [Matrix] = []
  /// By layer and kind; the norm behind the last block is that of layer -1.
  private var norms: [[NormKind: PlainNorm]] = []
  private let embedding, head: [Double]
  private let finalNorm: PlainNorm?
  private let headBias, positions, projectIn, projectOut: [Double]?
  private var routers: [[Double]] = []

  init(_ base: QuantizedBase) throws {
    config = base.config
    let (block, ends) = (config.block, config.ends)
    func floats(_ name: String) throws -> [Double] {
      let tensor = try base.tensor(name)
      var values = [Float](repeating: 0, count: tensor.shape.reduce(1, *))
      try values.withUnsafeMutableBufferPointer {
        try tensor.type.dequantize(tensor.bytes, into: $0)
      }
      return values.map(Double.init)
    }
    func norm(_ name: String) throws -> PlainNorm {
      PlainNorm(
        weight: try floats(name + ".weight"),
        bias: block.norm == .layer ? try floats(name + ".bias") : nil)
    }
    embedding = try floats("model.embed_tokens.weight")
    head = config.tiedEmbeddings ? embedding : try floats("lm_head.weight")
    finalNorm = ends.finalNorm ? try norm("model.norm") : nil
    headBias = ends.outputBias ? try floats("lm_head.bias") : nil
    positions = ends.learnedPositions == nil ? nil : try floats("model.embed_positions.weight")
    projectIn = ends.embeddingWidth == nil ? nil : try floats("model.project_in.weight")
    projectOut = ends.embeddingWidth == nil ? nil : try floats("model.project_out.weight")
    for layer in 0..<config.layerCount {
      norms.append([:])
      for kind in block.norms { norms[layer][kind] = try norm(kind.name(layer: layer)) }
      matrices += block.linears.map { Self.matrix(base.linear($0, layer: layer)) }
      if block.experts != nil {
        routers.append(try floats("model.layers.\(layer).mlp.router.weight"))
      }
    }
  }

  /// Codes bit by bit, as docs/file-formats.md says.
  private static func matrix(_ linear: QuantizedMatrix) -> Matrix {
    let layout = linear.layout
    func zero(_ at: Int) -> Double {
      linear.layout.offset == .realZeros
        ? Double(linear.offsets.loadUnaligned(fromByteOffset: at * 2, as: Float16.self))
        : Double(linear.offsets[at])
    }
    let integers = (0..<layout.rows).flatMap { o in
      (0..<layout.columns).map { i in
        let code = (0..<layout.bits).reduce(0) { code, bit in
          let at = i * layout.bits + bit
          return code | Int(linear.codes[o * layout.rowStride + at / 8] >> (at % 8) & 1) << bit
        }
        return Double(code) - zero(o * layout.groups + i / layout.groupSize)
      }
    }
    return Matrix(
      rows: layout.rows, columns: layout.columns, groupSize: layout.groupSize,
      groups: layout.groups, integers: integers,
      scales: (0..<linear.scales.count / 2).map {
        Double(linear.scales.loadUnaligned(fromByteOffset: $0 * 2, as: Float16.self))
      },
      bias: linear.bias.map { $0.map(Double.init) })
  }

  /// dL/ds by central differences with h = s / 10,000: the third derivative errs by about 1e-8 of
  /// the slope, rounding by 1e-16 L / h, less than that.
  mutating func slope(
    of scale: Int, in matrix: Int, _ tokens: [Int32], _ targets: [Int32]
  ) -> Double {
    slope(of: scale, in: matrix) { $0.loss(tokens, targets) }
  }

  /// The same of any loss.
  mutating func slope(
    of scale: Int, in matrix: Int, _ loss: (PlainDecoder) -> Double
  ) -> Double {
    let s = matrices[matrix].scales[scale]
    let h = abs(s) * 1e-4
    matrices[matrix].scales[scale] = s + h
    let above = loss(self)
    matrices[matrix].scales[scale] = s - h
    let below = loss(self)
    matrices[matrix].scales[scale] = s
    return (above - below) / (2 * h)
  }

  func loss(_ tokens: [Int32], _ targets: [Int32]) -> Double {
    let streams = streams(tokens)[config.layerCount - 1]
    return zip(streams, targets).filter { $0.1 >= 0 }.reduce(0) { $0 + crossEntropy($1.0, $1.1) }
  }

  /// Behind each block, of each token.
  func streams(_ tokens: [Int32]) -> [[[Double]]] {
    var streams = tokens.enumerated().map { embedded($1, at: $0) }
    return (0..<config.layerCount).map { layer in
      streams = block(layer, streams)
      return streams
    }
  }

  private func embedded(_ token: Int32, at position: Int) -> [Double] {
    let (width, stream) = (config.embeddingWidth, config.hiddenSize)
    var x = Array(embedding[Int(token) * width..<(Int(token) + 1) * width])
    if let projectIn { x = product(projectIn, x) }
    if let scale = config.ends.embeddingScale { x = x.map { $0 * Double(scale) } }
    guard let positions else { return x }
    return zip(x, positions[position * stream..<(position + 1) * stream]).map(+)
  }

  /// Rows of a dense matrix times x.
  private func product(_ matrix: [Double], _ x: [Double]) -> [Double] {
    stride(from: 0, to: matrix.count, by: x.count).map { at in
      zip(x, matrix[at..<at + x.count]).reduce(0) { $0 + $1.0 * $1.1 }
    }
  }

  private func linear(_ role: LinearRole, _ layer: Int) -> Matrix {
    matrices[layer * config.block.linearCount + (config.block.position(of: role) ?? 0)]
  }

  private func block(_ layer: Int, _ streams: [[Double]]) -> [[Double]] {
    let spec = config.block
    let inputs = streams.map { normed($0, layer, .input) }
    let attended = attention(layer, inputs).map { linear(LinearRole(.attentionOutput), layer)($0) }
    let between = zip(streams, attended).map { joined($0, $1, layer, .attentionOutput) }
    return streams.indices.map { t in
      let x = spec.residual == .parallel ? streams[t] : between[t]
      let y = normed(x, layer, spec.sharesNorm ? .input : .postAttention)
      return joined(between[t], mlp(y, layer), layer, .mlpOutput)
    }
  }

  private func joined(_ x: [Double], _ y: [Double], _ layer: Int, _ kind: NormKind) -> [Double] {
    switch config.block.placement {
    case .before: zip(x, y).map(+)
    case .after: normed(zip(x, y).map(+), layer, kind)
    case .output, .both: zip(x, normed(y, layer, kind)).map(+)
    }
  }

  private func mlp(_ x: [Double], _ layer: Int) -> [Double] {
    guard let experts = config.block.experts else { return mlp(x, layer, expert: nil) }
    let logits = product(routers[layer], x).map(exp)
    let total = logits.reduce(0, +)
    let chosen = logits.indices.sorted { logits[$0] > logits[$1] }.prefix(experts.perToken)
    let sum = experts.normalizesWeights ? chosen.reduce(0) { $0 + logits[$1] } : total
    return chosen.reduce([Double](repeating: 0, count: x.count)) { out, expert in
      zip(out, mlp(x, layer, expert: expert)).map { $0 + logits[expert] / sum * $1 }
    }
  }

  private func mlp(_ x: [Double], _ layer: Int, expert: Int?) -> [Double] {
    func apply(_ kind: LinearKind, _ x: [Double]) -> [Double] {
      linear(LinearRole(kind, expert: expert), layer)(x)
    }
    let hidden =
      config.block.isGated
      ? zip(apply(.gate, x), apply(.up, x)).map { activated($0) * $1 }
      : apply(.up, x).map(activated)
    return apply(.down, hidden)
  }

  private func activated(_ x: Double) -> Double {
    switch config.block.activation {
    case .silu: x / (1 + exp(-x))
    case .relu: max(x, 0)
    case .gelu: x * erfc(-x / 2.0.squareRoot()) / 2
    case .geluTanh: x / 2 * (1 + tanh((2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)))
    }
  }

  private func crossEntropy(_ stream: [Double], _ target: Int32) -> Double {
    let logits = logits(stream)
    return log(logits.reduce(0) { $0 + exp($1) }) - logits[Int(target)]
  }

  /// Of the stream behind the last block.
  func logits(_ stream: [Double]) -> [Double] {
    var y = finalNorm.map { norm(stream, $0) } ?? stream
    if let projectOut { y = product(projectOut, y) }
    var logits = product(head, y)
    if let headBias { logits = zip(logits, headBias).map(+) }
    if let cap = config.ends.logitCap.map(Double.init) {
      logits = logits.map { cap * tanh($0 / cap) }
    }
    return logits
  }

  private func normed(_ x: [Double], _ layer: Int, _ kind: NormKind) -> [Double] {
    norms[layer][kind].map { norm(x, $0) } ?? x
  }

  private func norm(_ x: [Double], _ norm: PlainNorm) -> [Double] {
    let middle = config.block.norm == .layer ? x.reduce(0, +) / Double(x.count) : 0
    let mean = x.reduce(0) { $0 + ($1 - middle) * ($1 - middle) } / Double(x.count)
    let root = (mean + Double(config.normEpsilon)).squareRoot()
    let y = zip(x, norm.weight).map { ($0 - middle) / root * $1 }
    return norm.bias.map { zip(y, $0).map(+) } ?? y
  }

  /// Norms of each head, or of all of them.
  private func headsNormed(_ x: [Double], _ layer: Int, _ kind: NormKind) -> [Double] {
    guard let width = norms[layer][kind]?.weight.count else { return x }
    return stride(from: 0, to: x.count, by: width).flatMap {
      normed(Array(x[$0..<$0 + width]), layer, kind)
    }
  }

  private func attention(_ layer: Int, _ inputs: [[Double]]) -> [[Double]] {
    let q = inputs.map { headsNormed(linear(LinearRole(.query), layer)($0), layer, .query) }
    let k = inputs.map { headsNormed(linear(LinearRole(.key), layer)($0), layer, .key) }
    let v = inputs.map { linear(LinearRole(.value), layer)($0) }
    let (size, shared) = (config.headSize, config.headCount / config.keyValueHeadCount)
    let scale = config.block.scoreScale.map(Double.init) ?? 1 / Double(size).squareRoot()
    let window = config.window(layer: layer) ?? inputs.count
    return q.indices.map { t in
      (0..<config.headCount).flatMap { head -> [Double] in
        let key = head / shared
        let query = turned(q[t], head, t, layer)
        let seen = max(0, t - window + 1)...t
        let weights = seen.map { j in
          var score = zip(query, turned(k[j], key, j, layer)).map(*).reduce(0, +) * scale
          if let cap = config.block.scoreCap.map(Double.init) { score = cap * tanh(score / cap) }
          return exp(score)
        }
        let total = weights.reduce(0, +)
        return (0..<size).map { d in
          zip(seen, weights).reduce(0) { $0 + $1.1 / total * v[$1.0][key * size + d] }
        }
      }
    }
  }

  /// One head turned by its position: the pair (i, i + n / 2) by position * theta^(-2i / n), of the
  /// first n numbers.
  private func turned(_ x: [Double], _ head: Int, _ position: Int, _ layer: Int) -> [Double] {
    let (size, rotated) = (config.headSize, config.rotatedSize)
    let own = Array(x[head * size..<(head + 1) * size])
    guard let rope = config.rope(layer: layer) else { return own }
    return own.indices.map { d in
      guard d < rotated else { return own[d] }
      let i = d % (rotated / 2)
      let angle = Double(position) * pow(rope.theta, -2 * Double(i) / Double(rotated))
      let (a, b) = (own[i], own[i + rotated / 2])
      return d < rotated / 2 ? a * cos(angle) - b * sin(angle) : b * cos(angle) + a * sin(angle)
    }
  }
}
