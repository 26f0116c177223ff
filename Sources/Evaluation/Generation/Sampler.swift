internal import Foundation
internal import Kernels

/// Draws tokens from logits; a pure function of settings, tokens seen and logits.
///
/// The order is Hugging Face's: repetition penalty, temperature, top-k, top-p, min-p, one draw.
/// A draw takes one number from `SplitMix64` and walks the kept tokens in the order of their ids.
package struct Sampler {
  private let settings: SamplingSettings
  private var random: SplitMix64
  private var seen: Set<Int32> = []

  package init(_ settings: SamplingSettings) {
    self.settings = settings
    random = SplitMix64(seed: settings.seed)
  }

  /// Tells of tokens that stand in the prompt or were drawn: the repetition penalty is for them.
  package mutating func observe(_ tokens: some Sequence<Int32>) {
    if settings.repetitionPenalty != 1 { seen.formUnion(tokens) }
  }

  /// The next token; nil where a logit is NaN or infinite.
  package mutating func next(_ logits: [Float]) -> Int32? {
    guard Self.isFinite(logits) else { return nil }
    let candidates = distribution(logits)
    guard candidates.count > 1 else { return candidates.first?.token }
    var rest = random.unitInterval()
    for candidate in candidates {
      rest -= candidate.probability
      if rest < 0 { return candidate.token }
    }
    // Rounding can leave a trace of `rest` behind the last one.
    return candidates.last { $0.probability > 0 }?.token
  }

  /// A token that can be drawn.
  package struct Candidate: Sendable, Equatable {
    package var token: Int32
    package var probability: Double
  }

  /// What the next token is drawn from, by id; one token at temperature 0. Logits must be finite.
  package func distribution(_ logits: [Float]) -> [Candidate] {
    guard !logits.isEmpty else { return [] }
    let penalized = penalize(logits)
    if settings.isGreedy {
      return [Candidate(token: Self.mostProbable(penalized), probability: 1)]
    }
    var kept = weights(penalized)
    let total = kept.reduce(0) { $0 + $1.probability }
    for index in kept.indices { kept[index].probability /= total }
    return kept
  }

  private func penalize(_ logits: [Float]) -> [Float] {
    guard !seen.isEmpty else { return logits }
    var logits = logits
    let penalty = Float(settings.repetitionPenalty)
    for token in seen where logits.indices.contains(Int(token)) {
      let logit = logits[Int(token)]
      logits[Int(token)] = logit < 0 ? logit * penalty : logit / penalty
    }
    return logits
  }

  /// The first of equal ones.
  private static func mostProbable(_ logits: [Float]) -> Int32 {
    let top = largest(logits)
    return Int32(logits.firstIndex(of: top) ?? 0)
  }

  private typealias Lanes = SIMD16<Float>

  /// In vectors: a vocabulary is long, and a token should cost little more than its weights.
  private static func isFinite(_ logits: [Float]) -> Bool {
    // x - x is 0 for finite numbers and NaN for others.
    var lanes = Lanes.zero
    var rest: Float = 0
    eachVector(of: logits) {
      lanes += $0 - $0
    } tail: {
      rest += $0 - $0
    }
    return lanes.sum() + rest == 0
  }

  private static func largest(_ logits: [Float]) -> Float {
    var lanes = Lanes(repeating: -.infinity)
    var rest = -Float.infinity
    eachVector(of: logits) {
      lanes.replace(with: $0, where: $0 .> lanes)
    } tail: {
      rest = max(rest, $0)
    }
    return max(lanes.max(), rest)
  }

  @inline(__always)
  private static func eachVector(
    of logits: [Float], _ body: (Lanes) -> Void, tail: (Float) -> Void
  ) {
    logits.withUnsafeBytes { bytes in
      let vectors = logits.count / Lanes.scalarCount
      for index in 0..<vectors {
        body(bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Lanes>.size, as: Lanes.self))
      }
    }
    for index in (logits.count / Lanes.scalarCount * Lanes.scalarCount)..<logits.count {
      tail(logits[index])
    }
  }

  /// What is left to draw from, with weights in place of probabilities: 1 for the most probable.
  private func weights(_ logits: [Float]) -> [Candidate] {
    let largest = Self.largest(logits)
    let threshold =
      settings.topK > 0 && settings.topK < logits.count
      ? Selection.largest(settings.topK, of: logits) : -.infinity
    var kept: [Candidate] = []
    for (index, logit) in logits.enumerated() where logit >= threshold {
      let weight = exp((Double(logit) - Double(largest)) / settings.temperature)
      kept.append(Candidate(token: Int32(index), probability: weight))
    }
    if settings.topP < 1 { kept = nucleus(kept) }
    if settings.minP > 0 {
      kept.removeAll { $0.probability < settings.minP }
    }
    return kept
  }

  /// The smallest set of most probable tokens that holds `topP` of all weight.
  ///
  /// Tokens below (1 - topP) / n of the weight hold less than 1 - topP together, so none of them is
  /// in the set; few are left to sort.
  private func nucleus(_ all: [Candidate]) -> [Candidate] {
    let total = all.reduce(0) { $0 + $1.probability }
    let negligible = total * (1 - settings.topP) / Double(all.count)
    let sorted = all.filter { $0.probability >= negligible }
      .sorted { ($1.probability, $0.token) < ($0.probability, $1.token) }
    var sum = 0.0
    var count = 0
    while count < sorted.count, count == 0 || sum < settings.topP * total {
      sum += sorted[count].probability
      count += 1
    }
    return sorted[..<count].sorted { $0.token < $1.token }
  }
}

/// Finds order statistics without sorting.
private enum Selection {
  /// The k-th largest value, for k in 1...count: Hoare's quickselect with three parts.
  static func largest(_ k: Int, of values: [Float]) -> Float {
    var rest = values
    var k = k
    while true {
      // Median of three, against sorted input.
      let ends = [rest[0], rest[rest.count / 2], rest[rest.count - 1]].sorted()
      let pivot = ends[1]
      let above = rest.filter { $0 > pivot }
      if k <= above.count {
        rest = above
        continue
      }
      let below = rest.filter { $0 < pivot }
      if k <= rest.count - below.count { return pivot }
      k -= rest.count - below.count
      rest = below
    }
  }
}
