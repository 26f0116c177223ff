internal import Kernels

/// How a block runs forward: over whole sequences, or behind what a generation has seen.
struct ForwardPass {
  let tokens: Int
  let a: Activations
  /// A few tokens of a generation: what a layer needs is handed to the threads at once, and every
  /// weight is read once, as it lies. Else products unpack panels of weights.
  var isDecoding = false
  /// Inputs of products stay in fp32: for gradients of scales per group.
  var keepsInputs = false
  /// What outputs are multiplied by, where tokens belong to several tasks.
  var factors: StackedFactors?
  /// Attends with what the projections of a layer have given.
  let attend: (_ layer: Int) -> Void
}

// One block forward; decoding, prefill and training share it.
extension Decoder {
  /// `a.residual(index)` to `a.residual(index + 1)`, leaving `a.postAttention(index)` between.
  func block(_ index: Int, _ pass: ForwardPass) {
    let (layer, a, tokens) = (weights.layers[index], pass.a, pass.tokens)
    a.select(layer: index)
    pass.factors?.select(layer: index)
    let (x, between) = (a.residual(index), a.postAttention(index))
    attentionInputs(layer, x, pass)
    pass.attend(index)
    let y = output(of: .attention, a)
    multiply(layer[.attentionOutput], a[.attentionOutput], pass, into: y)
    multiplyByTasks([(LinearRole(.attentionOutput), y)], pass)
    join(.attention, layer, to: x, tokens: tokens, a, into: between)
    mlp(layer, config.block.residual == .parallel ? x : between, pass)
    join(.mlp, layer, to: between, tokens: tokens, a, into: a.residual(index + 1))
  }

  /// A whole block over segments that see themselves only.
  func block(_ index: Int, tokens: Int, segments: [Range<Int>], _ a: Activations) {
    block(index, ForwardPass(tokens: tokens, a: a) { self.attend($0, tokens, segments, a) })
  }

  /// What the first layers of a branch read of x [T, D], as the operand of their products: its norm
  /// where the block has one there, in `y` as well where that is asked for, else x itself.
  func input(
    _ x: UnsafePointer<Float>, _ norm: Norm?, _ pass: ForwardPass, for linear: WeightMatrix,
    keeping y: BlockBuffer.Name, _ statistics: BlockBuffer.Name
  ) -> Operand {
    guard let norm else { return operand(x, pass, for: linear) }
    let a = pass.a
    guard pass.isDecoding else {
      return compute.normalizedOperand(
        x, norm, tokens: pass.tokens, for: linear, into: a[y], keeping: pass.keepsInputs,
        statistics: a[statistics])
    }
    normalize(x, norm, pass.tokens, into: a[y], a[statistics])
    return operand(a[y], pass, for: linear)
  }

  func operand(
    _ x: UnsafePointer<Float>, tokens: Int? = nil, _ pass: ForwardPass, for matrix: WeightMatrix
  ) -> Operand {
    let tokens = tokens ?? pass.tokens
    return pass.isDecoding
      ? compute.decodeOperand(x, tokens: tokens, for: matrix)
      : compute.operand(x, tokens: tokens, for: matrix)
  }

  /// Products of layers with the same input, without biases.
  func multiply(
    _ first: Product, _ second: Product? = nil, _ third: Product? = nil,
    input: Operand, tokens: Int, isDecoding: Bool
  ) {
    guard !isDecoding else {
      return compute.decode(first, second, third, input: input, tokens: tokens)
    }
    for product in [first, second, third] {
      guard let product else { continue }
      compute.forward(product.matrix, input, tokens: tokens, into: product.output)
    }
  }

  /// One layer by itself, without bias.
  func multiply(
    _ linear: DecoderWeights.Linear, _ x: UnsafePointer<Float>, _ pass: ForwardPass,
    into y: UnsafeMutablePointer<Float>
  ) {
    multiply(
      Product(linear.matrix, into: y), input: operand(x, pass, for: linear.matrix),
      tokens: pass.tokens, isDecoding: pass.isDecoding)
  }

  /// Bytes that generating one token reads at a depth: weights and the cache.
  package func bytesPerToken(depth: Int) -> Int {
    let number = compute.precision == .bf16 ? 2 : 4
    return weights.ends.head.byteCount
      + weights.layers.indices.reduce(0) { sum, index in
        let (layer, shape) = (weights.layers[index], weights.layers[index].attention)
        let linears = layer.roles.reduce(0) { sum, role in
          role.expert ?? 0 < config.block.rowsPerToken ? sum + layer[role].matrix.byteCount : sum
        }
        return sum + linears + 2 * min(depth, shape.window ?? depth) * shape.keyWidth * number
      }
  }
}
