internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import Kernels

/// Whether a reader of the entries gets the model that they were made from.
///
/// Many choices are not in a GGUF file: readers know them by the architecture's name, as
/// `DecoderConfig(gguf:)` does, which decides as llama.cpp decides. So the entries are read by it.
extension GGUFMetadata {
  /// Throws where the function of the model would be another one; gives what readers leave out.
  static func lost(
    reading entries: [GGUFEntry], config: DecoderConfig, path: String
  ) throws -> [String] {
    let read = try readBack(entries, of: config)
    let faults = differences(config, read).map { "GGUF cannot say what this model has: \($0)" }
    guard faults.isEmpty else { throw ModelFileError.faults(path: path, faults) }
    guard let window = config.slidingWindow, read.slidingWindow == nil else { return [] }
    return [
      "Readers of GGUF files know no sliding window of this architecture: beyond \(window) tokens "
        + "llama.cpp attends to more than the model does."
    ]
  }

  /// The configuration that a file of these entries has. The file that is read holds in place of
  /// the weights only what a reader looks at: an embedding of as many rows, and the names of
  /// tensors that decide something.
  private static func readBack(
    _ entries: [GGUFEntry], of config: DecoderConfig
  ) throws -> DecoderConfig {
    let folder = FileManager.default.temporaryDirectory.path + "/peqa-gguf-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var names = config.tiedEmbeddings ? [] : ["output.weight"]
    if config.block.biases.contains(.query) { names.append("blk.0.attn_q.bias") }
    if config.block.norms.contains(.postAttention) { names.append("blk.0.ffn_norm.weight") }
    let rows = config.vocabularySize
    let tensors =
      [TensorDeclaration(name: "token_embd.weight", type: .f16, shape: [rows, 1])]
      + names.map { TensorDeclaration(name: $0, type: .f16, shape: [1]) }
    let writer = try GGUFWriter(path: folder + "/gguf", metadata: entries, tensors: tensors)
    for tensor in tensors {
      try writer.append([UInt8](repeating: 0, count: tensor.byteCount), to: tensor.name)
    }
    try writer.finish()
    return try DecoderConfig(gguf: GGUFFile(path: folder + "/gguf"))
  }

  /// What of a model a reader takes for something else, in words.
  private static func differences(_ config: DecoderConfig, _ read: DecoderConfig) -> [String] {
    var found: [String] = []
    func check(_ isSame: Bool, _ words: String) { if !isSame { found.append(words) } }
    check(sizes(config) == sizes(read), "sizes \(sizes(config)) would be read as \(sizes(read))")
    check(config.normEpsilon == read.normEpsilon, "the epsilon of norms")
    check(config.ends == withCaps(of: config, read.ends), "what stands before and behind blocks")
    let (own, other) = (config.block, read.block)
    check(own.activation == other.activation, "activation \(own.activation)")
    check(
      own.norm == other.norm && own.placement == other.placement
        && own.queryKeyNorm == other.queryKeyNorm && own.sharesNorm == other.sharesNorm
        && own.residual == other.residual && own.isGated == other.isGated, "the form of its blocks")
    check(own.experts == other.experts, "its experts (weights of the chosen add up to 1 there)")
    let missing = other.biases.subtracting(own.biases).map(\.rawValue).sorted()
    check(missing.isEmpty, "linear layers without biases: \(missing.joined(separator: ", "))")
    check(near(scale(config), scale(read)), "scores are multiplied by \(scale(config))")
    check(own.scoreCap == other.scoreCap, "scores capped at \(text(own.scoreCap))")
    check(
      config.ends.logitCap == read.ends.logitCap, "logits capped at \(text(config.ends.logitCap))")
    check(
      read.slidingWindow == nil
        || config.slidingWindow == read.slidingWindow && config.globalLayers == read.globalLayers,
      "the layers with a sliding window")
    check(config.unrotatedLayers == read.unrotatedLayers, "the layers that are not rotated")
    check(isSame(config.rope, read.rope), "its rotation")
    check(isSame(config.localRope, read.localRope), "the rotation of layers with a window")
    return found
  }

  private static func sizes(_ config: DecoderConfig) -> [Int] {
    [
      config.vocabularySize, config.hiddenSize, config.intermediateSize, config.layerCount,
      config.headCount, config.keyValueHeadCount, config.headSize, config.rotatedSize,
      config.maximumLength,
    ]
  }

  /// Caps are told apart by themselves.
  private static func withCaps(of config: DecoderConfig, _ ends: EndsSpec) -> EndsSpec {
    var ends = ends
    ends.logitCap = config.ends.logitCap
    return ends
  }

  private static func scale(_ config: DecoderConfig) -> Float {
    config.block.scoreScale ?? 1 / Float(config.headSize).squareRoot()
  }

  private static func text(_ cap: Float?) -> String { cap.map { "\($0)" } ?? "nothing" }

  /// Files have single precision.
  private static func near(_ one: some BinaryFloatingPoint, _ other: some BinaryFloatingPoint)
    -> Bool
  {
    let (one, other) = (Double(one), Double(other))
    return abs(one - other) <= 1e-6 * abs(one)
  }

  /// LLaMA 3's scaling is a tensor of its own.
  private static func isSame(_ one: RopeConfig?, _ other: RopeConfig?) -> Bool {
    guard let one, let other else { return one == nil && other == nil }
    guard near(one.theta, other.theta) else { return false }
    switch (one.scaling, other.scaling) {
    case (.linear(let factor), .linear(let read)): return near(factor, read)
    case (.linear(let factor), .none): return factor == 1
    case (.llama3, .none), (.none, .none): return true
    case (.yarn(let yarn), .yarn(let read)):
      return near(yarn.factor, read.factor) && near(yarn.attentionFactor, read.attentionFactor)
        && near(yarn.betaFast, read.betaFast) && near(yarn.betaSlow, read.betaSlow)
        && yarn.originalLength == read.originalLength && yarn.truncates == read.truncates
    default: return false
    }
  }
}
