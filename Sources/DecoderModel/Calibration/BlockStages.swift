internal import Kernels

/// One block over one sequence after another, part by part, as calibration goes through it: what
/// each linear layer reads becomes known once the layers before it are what they will be.
///
/// The parts are those of `Decoder.block`, with the same bits. Streams are the caller's: [T, D].
package final class BlockStages {
  /// Layers that become known together.
  package enum Part: CaseIterable, Sendable {
    /// Queries, keys and values.
    case attention
    case attentionOutput
    /// The first layers of the MLP, or of its experts.
    case mlp
    /// The layer that ends them.
    case hidden
  }

  /// What some layers read.
  package struct LayerInput {
    /// [rows, columns]; valid until the next call.
    package let x: UnsafePointer<Float>
    package let rows: Int
  }

  /// The streams of one sequence: before the block, what `attend` gave, and between attention and
  /// MLP; the last two as far as they are known.
  package struct Streams {
    package let x, attended, between: UnsafeMutablePointer<Float>

    package init(
      x: UnsafeMutablePointer<Float>, attended: UnsafeMutablePointer<Float>,
      between: UnsafeMutablePointer<Float>
    ) {
      (self.x, self.attended, self.between) = (x, attended, between)
    }
  }

  private let decoder: Decoder
  private let a: Activations
  private let tokens: Int
  private var config: DecoderConfig { decoder.config }
  private var segments: [Range<Int>] { [0..<tokens] }

  /// For sequences of `tokens`. The decoder must not be used for anything else meanwhile.
  package init(_ decoder: Decoder, tokens: Int) {
    self.decoder = decoder
    self.tokens = tokens
    a = Activations(decoder.config, capacity: tokens, keeping: .nothing)
    decoder.rotary.gather(segments: [0..<tokens], a)
  }

  private func pass(_ layer: Int) -> ForwardPass {
    a.select(layer: layer)
    return ForwardPass(tokens: tokens, a: a, keepsInputs: true) { [unowned self] in
      decoder.attend($0, tokens, segments, a)
    }
  }

  /// The stream before the first block.
  package func embed(
    _ tokens: [Int32], into stream: UnsafeMutablePointer<Float>
  ) throws(DecoderError) {
    precondition(tokens.count == self.tokens, "sequences of one length")
    try config.check(tokens)
    try config.checkLength(tokens.count)
    decoder.embed(tokens, segments: segments, a, into: stream)
  }

  /// What the layers of a part read; one for each set of `roles`.
  package func inputs(of part: Part, _ index: Int, _ streams: Streams) -> [LayerInput] {
    switch part {
    case .attention: [attentionInput(index, streams.x)]
    case .attentionOutput: [LayerInput(x: UnsafePointer(streams.attended), rows: tokens)]
    case .mlp: mlpInputs(index, mlpStream(streams))
    case .hidden: hiddenInputs(index, mlpStream(streams))
    }
  }

  /// The layers of a part, in sets that read the same numbers, and how many these are for a token.
  package static func roles(
    of part: Part, _ config: DecoderConfig
  ) -> (sets: [[LinearRole]], columns: Int) {
    func mlp(_ kinds: [LinearKind]) -> [[LinearRole]] {
      guard let experts = config.block.experts else { return [kinds.map { LinearRole($0) }] }
      return (0..<experts.count).map { expert in
        kinds.map { LinearRole($0, expert: expert) }
      }
    }
    switch part {
    case .attention:
      return ([[.query, .key, .value].map { LinearRole($0) }], config.hiddenSize)
    case .attentionOutput: return ([[LinearRole(.attentionOutput)]], config.queryWidth)
    case .mlp: return (mlp(config.block.mlpKinds.filter { $0 != .down }), config.hiddenSize)
    case .hidden: return (mlp([.down]), config.intermediateSize)
    }
  }

  private func attentionInput(_ index: Int, _ x: UnsafePointer<Float>) -> LayerInput {
    let (layer, pass) = (decoder.weights.layers[index], pass(index))
    let norm = layer.norm(.input)
    _ = decoder.input(
      x, norm, pass, for: layer[.query].matrix, keeping: .norm1, .inputStatistics)
    return LayerInput(x: norm == nil ? x : UnsafePointer(a[.norm1]), rows: tokens)
  }

  /// What the layer that ends attention reads, [T, query width], to `out`.
  package func attend(
    _ index: Int, _ x: UnsafePointer<Float>, into out: UnsafeMutablePointer<Float>
  ) {
    let pass = pass(index)
    decoder.attentionInputs(decoder.weights.layers[index], x, pass)
    pass.attend(index)
    out.update(from: a[.attentionOutput], count: tokens * config.queryWidth)
  }

  /// The stream between attention and MLP.
  package func joinAttention(
    _ index: Int, _ x: UnsafePointer<Float>, attended: UnsafePointer<Float>,
    into between: UnsafeMutablePointer<Float>
  ) {
    let (layer, pass) = (decoder.weights.layers[index], pass(index))
    decoder.multiply(
      layer[.attentionOutput], attended, pass, into: decoder.output(of: .attention, a))
    decoder.join(.attention, layer, to: x, tokens: tokens, a, into: between)
  }

  /// What the MLP reads.
  private func mlpStream(_ streams: Streams) -> UnsafePointer<Float> {
    UnsafePointer(config.block.residual == .parallel ? streams.x : streams.between)
  }

  private func mlpInputs(_ index: Int, _ stream: UnsafePointer<Float>) -> [LayerInput] {
    let (layer, pass) = (decoder.weights.layers[index], pass(index))
    guard config.block.experts == nil else {
      let routing = decoder.gather(layer, stream, tokens: tokens, a)
      return inputs(routing, a[.expertInputs], width: config.hiddenSize)
    }
    _ = decoder.mlpInput(layer, stream, pass)
    return [
      LayerInput(
        x: decoder.mlpNorm(layer) == nil ? stream : UnsafePointer(a[.norm2]), rows: tokens)
    ]
  }

  private func hiddenInputs(_ index: Int, _ stream: UnsafePointer<Float>) -> [LayerInput] {
    decoder.recomputeMLP(decoder.weights.layers[index], stream, pass(index))
    guard config.block.experts == nil else {
      guard let routing = a.routing else { preconditionFailure("a mixture routes its tokens") }
      return inputs(routing, a[.activated], width: config.intermediateSize)
    }
    return [LayerInput(x: UnsafePointer(a[.activated]), rows: tokens)]
  }

  private func inputs(
    _ routing: Routing, _ x: UnsafePointer<Float>, width: Int
  ) -> [LayerInput] {
    routing.ranges.map { LayerInput(x: x + $0.lowerBound * width, rows: $0.count) }
  }

  /// The stream behind the block.
  package func joinMLP(
    _ index: Int, _ x: UnsafePointer<Float>, between: UnsafePointer<Float>,
    into out: UnsafeMutablePointer<Float>
  ) {
    let (layer, pass) = (decoder.weights.layers[index], pass(index))
    decoder.mlp(layer, config.block.residual == .parallel ? x : between, pass)
    decoder.join(.mlp, layer, to: between, tokens: tokens, a, into: out)
  }

  /// The whole block, from the stream x to `out`, which may be x.
  package func run(
    _ index: Int, _ x: UnsafePointer<Float>, into out: UnsafeMutablePointer<Float>
  ) {
    let (between, pass) = (a[.postAttention], pass(index))
    decoder.attentionInputs(decoder.weights.layers[index], x, pass)
    pass.attend(index)
    joinAttention(index, x, attended: UnsafePointer(a[.attentionOutput]), into: between)
    joinMLP(index, x, between: between, into: out)
  }
}
