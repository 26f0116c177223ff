internal import Foundation
internal import Kernels

/// Cosines and sines of the rotary embedding, gathered for the positions of a sequence.
final class RotaryTable {
  private let rope: RopeConfig
  /// Numbers of a head that turn.
  private let rotated: Int
  private let frequencies: [Double]
  /// What cosines and sines are multiplied by.
  private let amplitude: Double
  /// Rows for positions 0, 1, ...; grown when a longer segment comes.
  private var cosines: [Float] = []
  private var sines: [Float] = []
  private var positions = 0

  init(_ rope: RopeConfig, rotated: Int) {
    (self.rope, self.rotated) = (rope, rotated)
    frequencies = Self.frequencies(rope, rotated: rotated)
    if case .yarn(let yarn) = rope.scaling {
      amplitude = yarn.attentionFactor
    } else {
      amplitude = 1
    }
  }

  private static func frequencies(_ rope: RopeConfig, rotated: Int) -> [Double] {
    (0..<rotated / 2).map { pair in
      let plain = Elementary.pow(rope.theta, -2 * Double(pair) / Double(rotated))
      guard case .yarn(let yarn) = rope.scaling else { return scaled(plain, by: rope.scaling) }
      let kept = yarn.kept(pair: pair, theta: rope.theta, rotated: rotated)
      return plain * kept + plain / yarn.factor * (1 - kept)
    }
  }

  private static func scaled(_ frequency: Double, by scaling: RopeConfig.Scaling) -> Double {
    switch scaling {
    case .none, .yarn, .dynamic: return frequency
    case .linear(let factor): return frequency / factor
    case .llama3(let factor, let low, let high, let original):
      // Rotations over the original context decide: few are stretched, many kept.
      let rotations = Double(original) * frequency / (2 * .pi)
      if rotations < low { return frequency / factor }
      if rotations > high { return frequency }
      let smooth = (rotations - low) / (high - low)
      return (1 - smooth) * frequency / factor + smooth * frequency
    }
  }

  private func grow(to count: Int) {
    guard count > positions else { return }
    for position in positions..<count {
      for frequency in frequencies {
        let angle = Double(position) * frequency
        cosines.append(Float(amplitude * Elementary.cos(angle)))
        sines.append(Float(amplitude * Elementary.sin(angle)))
      }
    }
    positions = count
  }

  /// Rows for tokens whose positions restart at 0 in each segment and start at `offset`.
  func gather(
    segments: some Collection<Range<Int>>, offset: Int = 0, cosine: UnsafeMutablePointer<Float>,
    sine: UnsafeMutablePointer<Float>
  ) {
    let half = frequencies.count
    grow(to: offset + (segments.map(\.count).max() ?? 0))
    for segment in segments {
      if let stretched = stretched(length: offset + segment.count) {
        for (i, position) in (offset..<offset + segment.count).enumerated() {
          let to = (segment.lowerBound + i) * half
          for pair in 0..<half {
            cosine[to + pair] = Float(Elementary.cos(Double(position) * stretched[pair]))
            sine[to + pair] = Float(Elementary.sin(Double(position) * stretched[pair]))
          }
        }
        continue
      }
      let (to, from) = (segment.lowerBound * half, offset * half)
      for i in 0..<segment.count * half {
        cosine[to + i] = cosines[from + i]
        sine[to + i] = sines[from + i]
      }
    }
  }

  /// The frequencies of a sequence that is longer than those of the table are for.
  private func stretched(length: Int) -> [Double]? {
    guard case .dynamic(let factor, let original) = rope.scaling, length > original, rotated > 2
    else { return nil }
    let ratio = factor * Double(length) / Double(original) - (factor - 1)
    let theta = rope.theta * Elementary.pow(ratio, Double(rotated) / Double(rotated - 2))
    return Self.frequencies(RopeConfig(theta: theta), rotated: rotated)
  }
}
