import Checkpoints
import DecoderModel
import Foundation
import Kernels
import Quantization
import Testing

/// Every scale's gradient against central differences of a decoder written plainly in Double.
@Suite struct CentralDifferenceTests {
  @Test(arguments: ["llama_4bit_row", "llama_2bit_g64", "qwen3_4bit_g32"])
  func everyScale(_ name: String) throws {
    let golden = try Golden(name)
    let sequence = try golden.sequence("single")
    let tokens = Array(sequence.ids.prefix(5))
    let targets = Array(sequence.targets.prefix(5))

    let decoder = try makeDecoder(golden.directory)
    let scales = TrainableScales(
      weights: decoder.weights, granularity: .group, parametrization: .absolute)
    decoder.use(scales.task)
    var gradient = [Float](repeating: .nan, count: scales.count)
    let sum = try gradient.withUnsafeMutableBufferPointer {
      try decoder.lossAndGradient(tokens, targets: targets, scales: scales, gradient: $0)
    }

    var plain = try PlainDecoder(QuantizedBase(path: golden.directory))
    #expect(abs(plain.loss(tokens, targets) - sum.loss) < 1e-6 * sum.loss)
    for entry in scales.task.entries {
      let position = try #require(decoder.config.block.position(of: entry.role))
      let index = entry.layer * decoder.config.block.linearCount + position
      let expected = entry.range.indices.map { i in
        plain.slope(of: i - entry.range.lowerBound, in: index, tokens, targets)
      }
      let pairs = zip(gradient[entry.range], expected)
      let difference = pairs.reduce(0) { $0 + pow(Double($1.0) - $1.1, 2) }.squareRoot()
      let norm = expected.reduce(0) { $0 + $1 * $1 }.squareRoot()
      // fp32 against Double shows 4e-6 of the norm; the differences err by 1e-8 (see `slope`).
      #expect(difference <= 1e-4 * norm, "\(entry.tensorName(.scales))")
    }
  }
}

/// A LLaMA or Qwen3 in Double with loops for products; one segment, no biases, no window, no rope
/// scaling.
private struct PlainDecoder {
  struct Matrix {
    let rows, columns, groupSize, groups: Int
    /// q - z [O, I].
    let integers: [Double]
    /// [O, G].
    var scales: [Double]

    func callAsFunction(_ x: [Double]) -> [Double] {
      // Without checks of bounds: nearly all time of this test is here.
      integers.withUnsafeBufferPointer { integers in
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
    }
  }

  let config: DecoderConfig
  var matrices: [Matrix] = []
  var norms: [[Double]] = []
  /// Of each head of q and of k, two for each layer; empty where the model has none.
  var headNorms: [[Double]] = []
  let embedding, head, finalNorm: [Double]

  init(_ base: QuantizedBase) throws {
    config = base.config
    func floats(_ name: String) throws -> [Double] {
      let tensor = try base.tensor(name)
      var values = [Float](repeating: 0, count: tensor.shape.reduce(1, *))
      try values.withUnsafeMutableBufferPointer {
        try tensor.type.dequantize(tensor.bytes, into: $0)
      }
      return values.map(Double.init)
    }
    embedding = try floats("model.embed_tokens.weight")
    head = config.tiedEmbeddings ? embedding : try floats("lm_head.weight")
    finalNorm = try floats("model.norm.weight")
    for layer in 0..<config.layerCount {
      norms.append(try floats("model.layers.\(layer).input_layernorm.weight"))
      norms.append(try floats("model.layers.\(layer).post_attention_layernorm.weight"))
      for name in ["q_norm", "k_norm"] where config.modelType == "qwen3" {
        headNorms.append(try floats("model.layers.\(layer).self_attn.\(name).weight"))
      }
      for kind in LinearKind.allCases {
        matrices.append(Self.matrix(base.linear(kind, layer: layer)))
      }
    }
  }

  /// Codes bit by bit, as docs/file-formats.md says.
  private static func matrix(_ linear: QuantizedLinear) -> Matrix {
    let layout = linear.layout
    func zero(_ at: Int) -> Double {
      switch linear.zeros {
      case .integers(let points): Double(points[at])
      case .reals(let points): Double(Float16(bitPattern: points[at]))
      }
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
      scales: linear.scales.map { Double(Float16(bitPattern: $0)) })
  }

  /// dL/ds by central differences with h = s / 10,000: the third derivative errs by about 1e-8 of
  /// the slope, rounding by 1e-16 L / h, less than that.
  mutating func slope(
    of scale: Int, in matrix: Int, _ tokens: [Int32], _ targets: [Int32]
  ) -> Double {
    let s = matrices[matrix].scales[scale]
    let h = abs(s) * 1e-4
    matrices[matrix].scales[scale] = s + h
    let above = loss(tokens, targets)
    matrices[matrix].scales[scale] = s - h
    let below = loss(tokens, targets)
    matrices[matrix].scales[scale] = s
    return (above - below) / (2 * h)
  }

  func loss(_ tokens: [Int32], _ targets: [Int32]) -> Double {
    let width = config.hiddenSize
    var streams = tokens.map { Array(embedding[Int($0) * width..<(Int($0) + 1) * width]) }
    for layer in 0..<config.layerCount {
      let linears = matrices[layer * 7..<(layer + 1) * 7]
      func linear(_ kind: LinearKind) -> Matrix {
        linears[layer * 7 + (LinearKind.allCases.firstIndex(of: kind) ?? 0)]
      }
      let inputs = streams.map { norm($0, norms[2 * layer]) }
      let attended = attention(
        inputs.map { headsNormed(linear(.query)($0), 2 * layer) },
        inputs.map { headsNormed(linear(.key)($0), 2 * layer + 1) },
        inputs.map { linear(.value)($0) })
      for t in tokens.indices {
        streams[t] = zip(streams[t], linear(.attentionOutput)(attended[t])).map(+)
        let y = norm(streams[t], norms[2 * layer + 1])
        let hidden = zip(linear(.gate)(y), linear(.up)(y)).map { $0 / (1 + exp(-$0)) * $1 }
        streams[t] = zip(streams[t], linear(.down)(hidden)).map(+)
      }
    }
    return zip(streams, targets).filter { $0.1 >= 0 }.reduce(0) { $0 + crossEntropy($1.0, $1.1) }
  }

  private func crossEntropy(_ stream: [Double], _ target: Int32) -> Double {
    let y = norm(stream, finalNorm)
    let logits = (0..<config.vocabularySize).map { word in
      zip(y, head[word * y.count..<(word + 1) * y.count]).reduce(0) { $0 + $1.0 * $1.1 }
    }
    return log(logits.reduce(0) { $0 + exp($1) }) - logits[Int(target)]
  }

  private func norm(_ x: [Double], _ weight: [Double]) -> [Double] {
    let mean = x.reduce(0) { $0 + $1 * $1 } / Double(x.count)
    let root = (mean + Double(config.normEpsilon)).squareRoot()
    return zip(x, weight).map { $0 / root * $1 }
  }

  private func headsNormed(_ x: [Double], _ index: Int) -> [Double] {
    guard !headNorms.isEmpty else { return x }
    return stride(from: 0, to: x.count, by: config.headSize).flatMap {
      norm(Array(x[$0..<$0 + config.headSize]), headNorms[index])
    }
  }

  private func attention(_ q: [[Double]], _ k: [[Double]], _ v: [[Double]]) -> [[Double]] {
    let size = config.headSize
    let shared = config.headCount / config.keyValueHeadCount
    return q.indices.map { t in
      (0..<config.headCount).flatMap { head -> [Double] in
        let key = head / shared
        let query = turned(q[t], head, t)
        let weights = (0...t).map { j in
          exp(zip(query, turned(k[j], key, j)).map(*).reduce(0, +) / Double(size).squareRoot())
        }
        let total = weights.reduce(0, +)
        return (0..<size).map { d in
          (0...t).reduce(0) { $0 + weights[$1] / total * v[$1][key * size + d] }
        }
      }
    }
  }

  /// One head turned by its position: the pair (i, i + size / 2) by position * theta^(-2i / size).
  private func turned(_ x: [Double], _ head: Int, _ position: Int) -> [Double] {
    let (size, half) = (config.headSize, config.headSize / 2)
    return (0..<size).map { d in
      let i = d % half
      let angle = Double(position) * pow(config.rope.theta, -2 * Double(i) / Double(size))
      let (a, b) = (x[head * size + i], x[head * size + i + half])
      return d < half ? a * cos(angle) - b * sin(angle) : b * cos(angle) + a * sin(angle)
    }
  }
}
