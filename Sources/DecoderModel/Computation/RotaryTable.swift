internal import Foundation
internal import Kernels

/// Cosines and sines of the rotary embedding, gathered for the positions of a sequence.
final class RotaryTable {
  private let frequencies: [Double]
  /// What cosines and sines are multiplied by.
  private let amplitude: Double
  /// Rows for positions 0, 1, ...; grown when a longer segment comes.
  private var cosines: [Float] = []
  private var sines: [Float] = []
  private var positions = 0

  init(_ config: DecoderConfig) {
    frequencies = (0..<config.headSize / 2).map { pair in
      let plain = pow(config.rope.theta, -2 * Double(pair) / Double(config.headSize))
      guard case .yarn(let yarn) = config.rope.scaling else {
        return Self.scaled(plain, by: config.rope.scaling)
      }
      let kept = yarn.kept(pair: pair, theta: config.rope.theta, headSize: config.headSize)
      return plain * kept + plain / yarn.factor * (1 - kept)
    }
    if case .yarn(let yarn) = config.rope.scaling {
      amplitude = yarn.attentionFactor
    } else {
      amplitude = 1
    }
  }

  private static func scaled(_ frequency: Double, by scaling: RopeConfig.Scaling) -> Double {
    switch scaling {
    case .none, .yarn: return frequency
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
        cosines.append(Float(amplitude * cos(angle)))
        sines.append(Float(amplitude * sin(angle)))
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
      let (to, from) = (segment.lowerBound * half, offset * half)
      for i in 0..<segment.count * half {
        cosine[to + i] = cosines[from + i]
        sine[to + i] = sines[from + i]
      }
    }
  }
}
