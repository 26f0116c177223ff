internal import Kernels
internal import Testing

/// What stands between the linear layers.
extension ThreadInvarianceTests {
  private static let width = 200

  func norms(_ compute: Compute) -> [(String, [Float])] {
    var random = RandomNumbers(seed: 6)
    let (tokens, width) = (Self.tokens, Self.width)
    let (x, dy) = (random.floats(tokens * width), random.floats(tokens * width))
    let numbers = GuardedMemory(random.floats(width))
    return [Norm.Kind.rms, .layer].flatMap { kind -> [(String, [Float])] in
      let norm = Norm(
        kind, width: width, epsilon: 1e-5, weight: numbers.pointer,
        bias: kind == .layer ? UnsafePointer(numbers.pointer) : nil)
      var statistics = [Float](repeating: .nan, count: kind.statistics * tokens)
      let y = filled(x.count) {
        compute.normalize(x, norm, tokens: tokens, into: $0, statistics: &statistics)
      }
      let back = filled(x.count) {
        $0.update(repeating: 1, count: x.count)
        compute.normalizeBackward(
          x, norm, statistics: statistics, dy: dy, tokens: tokens, addingTo: $0)
      }
      withExtendedLifetime(numbers) {}
      return [
        ("\(kind) norm", y), ("\(kind) statistics", statistics), ("\(kind) norm backward", back),
      ]
    }
  }

  /// With an up and alone.
  func activations(_ compute: Compute) -> [(String, [Float])] {
    var random = RandomNumbers(seed: 7)
    let count = Self.tokens * Self.width
    let (x, up, dh) = (random.floats(count), random.floats(count), random.floats(count))
    return Activation.allCases.flatMap { f -> [(String, [Float])] in
      let gated = filled(count) { compute.activate(f, gate: x, up: up, count: count, into: $0) }
      let alone = filled(count) { compute.activate(f, gate: x, up: nil, count: count, into: $0) }
      let gatedBack = filled(2 * count) {
        compute.activateBackward(
          f, gate: x, up: up, dh: dh, count: count, dgate: $0, dup: $0 + count)
      }
      let aloneBack = filled(count) {
        compute.activateBackward(f, gate: x, up: nil, dh: dh, count: count, dgate: $0, dup: nil)
      }
      return [
        ("gated \(f)", gated), ("gated \(f) backward", gatedBack), ("\(f)", alone),
        ("\(f) backward", aloneBack),
      ]
    }
  }

  func elementwise(_ compute: Compute) -> [(String, [Float])] {
    var random = RandomNumbers(seed: 6)
    let (tokens, width) = (Self.tokens, Self.width)
    let count = tokens * width
    let (x, dy) = (random.floats(count), random.floats(count))
    let turned = filled(count) {
      compute.rope(
        x, tokens: tokens, heads: 2, headSize: 100, rotated: 60, cosine: dy, sine: x, into: $0)
    }
    let shares = filled(tokens * 8) {
      compute.probabilities(x, rows: dy, count: 8, width: width, tokens: tokens, into: $0)
    }
    let biased = filled(count) {
      compute.addBias(dy, width: width, to: x, tokens: tokens, into: $0)
    }
    let targets = (0..<tokens).map { Int32($0 * 3 % width) }
    var losses = [Double](repeating: .nan, count: tokens)
    let logits = filled(count) {
      $0.update(from: x, count: count)
      compute.crossEntropy(
        $0, targets: targets, tokens: tokens, vocabulary: width, gradient: true, losses: &losses)
    }
    let lossBits = losses.flatMap { loss in
      // Halves of the bits as small whole numbers, so that one comparison serves all.
      [0, 16, 32, 48].map { Float(loss.bitPattern >> UInt64($0) & 0xFFFF) }
    }
    #expect(losses.allSatisfy { $0 > 0 })
    return [
      ("rope", turned), ("shares", shares), ("bias", biased), ("d logits", logits),
      ("losses", lossBits),
    ]
  }
}
