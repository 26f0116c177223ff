internal import Kernels
internal import Testing

@Suite struct AttentionTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var heads = 2
    var keyValueHeads = 1
    var size = 32
    var window: Int?
    var lengths: [Int]
    /// As `AttentionShape` takes them.
    var scale: Float?
    var cap: Float?
    var shape: AttentionShape {
      AttentionShape(
        heads: heads, keyValueHeads: keyValueHeads, headSize: size, window: window, scale: scale,
        cap: cap)
    }
    var testDescription: String {
      "\(heads)/\(keyValueHeads) x \(size), window \(window ?? 0), segments \(lengths)"
        + (scale.map { ", scale \($0)" } ?? "") + (cap.map { ", cap \($0)" } ?? "")
    }
    var tokens: Int { lengths.reduce(0, +) }
    var segments: [Range<Int>] {
      var start = 0
      return lengths.map { length in
        defer { start += length }
        return start..<start + length
      }
    }
  }

  /// Segments around the border of a block of 64 queries; one sees another only in wrong code.
  static let cases = [
    Case(size: 16, lengths: [1]), Case(size: 32, lengths: [63, 1]),
    Case(heads: 3, keyValueHeads: 3, size: 64, lengths: [64, 65]),
    Case(heads: 4, keyValueHeads: 2, size: 80, lengths: [130]),
    Case(heads: 6, keyValueHeads: 2, size: 16, lengths: [7, 65, 64, 2]),
    Case(size: 128, lengths: [165, 20]), Case(size: 32, window: 1, lengths: [66]),
    Case(size: 32, window: 5, lengths: [130, 3]), Case(size: 16, window: 64, lengths: [200]),
    Case(size: 16, window: 65, lengths: [200]), Case(size: 64, window: 100, lengths: [64, 193]),
    Case(heads: 1, keyValueHeads: 1, size: 6, lengths: [40]),
    Case(heads: 24, keyValueHeads: 8, size: 16, lengths: [70, 3]),
    // Scores of a few units: caps of 2 to 5 bend them well.
    Case(heads: 3, keyValueHeads: 3, size: 64, lengths: [64, 65], scale: 0.25),
    Case(size: 6, lengths: [1, 3, 40], cap: 2), Case(size: 32, lengths: [130, 3], cap: 2),
    Case(heads: 4, keyValueHeads: 2, size: 80, window: 100, lengths: [165], scale: 0.2, cap: 4),
    Case(heads: 24, keyValueHeads: 8, size: 16, window: 5, lengths: [71], scale: 1, cap: 5),
    // More keys than the backward pass of bf16 takes at a time.
    Case(heads: 1, keyValueHeads: 1, size: 16, lengths: [533], cap: 3),
  ]

  private struct Inputs {
    let q, k, v, dout: GuardedMemory<Float>
    /// For bf16 the numbers are such that a product takes them as they are.
    init(_ shape: AttentionShape, _ precision: Precision, tokens: Int, seed: Int) {
      var random = RandomNumbers(seed: seed)
      func floats(_ count: Int, scale: Float = 1) -> GuardedMemory<Float> {
        let numbers = random.floats(count, scale: scale)
        return GuardedMemory(precision == .bf16 ? numbers.map(roundedToBF16) : numbers)
      }
      q = floats(tokens * shape.queryWidth, scale: 2)
      k = floats(tokens * shape.keyWidth, scale: 2)
      v = floats(tokens * shape.keyWidth)
      dout = floats(tokens * shape.queryWidth)
    }
  }

  private func slice(_ x: GuardedMemory<Float>, _ rows: Range<Int>, width: Int) -> [Double] {
    x.values[rows.lowerBound * width..<rows.upperBound * width].map(Double.init)
  }

  private func naive(
    _ x: Inputs, _ shape: AttentionShape, _ precision: Precision, _ segment: Range<Int>
  ) -> NaiveAttention {
    NaiveAttention(
      shape, precision: precision, queries: segment.count, keys: segment.count,
      q: slice(x.q, segment, width: shape.queryWidth),
      k: slice(x.k, segment, width: shape.keyWidth),
      v: slice(x.v, segment, width: shape.keyWidth))
  }

  @Test(arguments: cases, [Precision.fp32, .bf16])
  func forwardAndBackward(_ c: Case, _ precision: Precision) {
    let (shape, tokens) = (c.shape, c.tokens)
    let x = Inputs(shape, precision, tokens: tokens, seed: tokens + c.size)
    var want = (out: [Double](), dq: [Double](), dk: [Double](), dv: [Double]())
    var bounds = want
    for segment in c.segments {
      let one = naive(x, shape, precision, segment)
      let gradient = one.gradients(slice(x.dout, segment, width: shape.queryWidth))
      want.out += one.out
      bounds.out += one.outBounds
      want.dq += gradient.dq.values
      bounds.dq += gradient.dq.bounds
      want.dk += gradient.dk.values
      bounds.dk += gradient.dk.bounds
      want.dv += gradient.dv.values
      bounds.dv += gradient.dv.bounds
    }
    for set in InstructionSet.available {
      let compute = Compute(
        pool: WorkerPool(threads: 2), precision: precision, instructionSet: set)
      let result = run(compute, x, shape, c.segments, tokens: tokens)
      for (name, got, want, bounds) in [
        ("out", result.out, want.out, bounds.out), ("dq", result.dq, want.dq, bounds.dq),
        ("dk", result.dk, want.dk, bounds.dk), ("dv", result.dv, want.dv, bounds.dv),
      ] {
        let deviation = Deviation(got.values, want, allowing: bounds)
        #expect(deviation.isAllowed && got.isIntact, "\(set) \(name): \(deviation)")
      }
    }
    #expect(x.q.isIntact && x.k.isIntact && x.v.isIntact && x.dout.isIntact)
  }

  private typealias Results = (
    out: GuardedMemory<Float>, dq: GuardedMemory<Float>, dk: GuardedMemory<Float>,
    dv: GuardedMemory<Float>
  )

  private func run(
    _ compute: Compute, _ x: Inputs, _ shape: AttentionShape, _ segments: [Range<Int>], tokens: Int
  ) -> Results {
    func memory(_ count: Int) -> GuardedMemory<Float> { GuardedMemory(results: count, fill: .nan) }
    let result = (
      out: memory(x.q.count), dq: memory(x.q.count), dk: memory(x.k.count), dv: memory(x.k.count)
    )
    let lse = memory(shape.heads * tokens)
    let perHead = memory(shape.headGradientCount(tokens: tokens))
    compute.attention(
      shape, segments: segments, q: x.q.pointer, k: x.k.pointer, v: x.v.pointer, tokens: tokens,
      out: result.out.pointer, lse: lse.pointer)
    compute.attentionBackward(
      shape, segments: segments, q: x.q.pointer, k: x.k.pointer, v: x.v.pointer, tokens: tokens,
      out: result.out.pointer, lse: lse.pointer, dout: x.dout.pointer, dq: result.dq.pointer,
      dk: result.dk.pointer, dv: result.dv.pointer, headGradients: perHead.pointer)
    #expect(lse.isIntact && perHead.isIntact)
    return result
  }

  /// The oracle's own gradients against central differences of its forward pass, in Double: with
  /// h = 1e-5 they err by h^2 and 2^-53 / h, both below 1e-9 times numbers of order 10.
  @Test func oracleGradientsAreSlopes() {
    let plain = AttentionShape(heads: 4, keyValueHeads: 2, headSize: 6, window: 5)
    var capped = plain
    (capped.scale, capped.cap) = (0.5, 1.5)
    for shape in [plain, capped] { compareWithDifferences(shape) }
  }

  private func compareWithDifferences(_ shape: AttentionShape) {
    let x = Inputs(shape, .fp32, tokens: 9, seed: 1)
    let dout = x.dout.values.map(Double.init)
    let start = naive(x, shape, .fp32, 0..<9)
    let gradient = start.gradients(dout)
    func loss(_ change: (inout NaiveAttention) -> Void) -> Double {
      var moved = start
      change(&moved)
      let again = NaiveAttention(shape, queries: 9, keys: 9, q: moved.q, k: moved.k, v: moved.v)
      return zip(again.out, dout).reduce(0) { $0 + $1.0 * $1.1 }
    }
    func check(_ path: WritableKeyPath<NaiveAttention, [Double]>, _ slopes: [Double]) {
      for index in slopes.indices {
        let up = loss { $0[keyPath: path][index] += 1e-5 }
        let down = loss { $0[keyPath: path][index] -= 1e-5 }
        #expect(abs((up - down) / 2e-5 - slopes[index]) < 1e-8)
      }
    }
    check(\.q, gradient.dq.values)
    check(\.k, gradient.dk.values)
    check(\.v, gradient.dv.values)
  }
}
