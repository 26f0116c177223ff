package import Kernels

/// How a model learns from a teacher: what is minimised is, for each supervised position,
///
///     weight * temperature^2 * KL(teacher || model) + (1 - weight) * cross-entropy
///       + hiddenWeight * mean over some blocks of |h - h_teacher|^2 / |h_teacher|^2
///
/// with both distributions at the temperature (Hinton et al., arXiv 1503.02531) and h the residual
/// stream behind a block.
package struct Distillation: Sendable, Equatable {
  /// 0...1.
  package var weight: Double
  package var temperature: Double
  package var hiddenWeight: Double

  package init(weight: Double = 1, temperature: Double = 1, hiddenWeight: Double = 0) {
    (self.weight, self.temperature) = (weight, temperature)
    self.hiddenWeight = hiddenWeight
  }

  /// The loss that is made of its parts; the cross-entropy itself, bit for bit, where the weights
  /// are 0.
  package func loss(_ parts: LossParts) -> Double {
    let taught = weight == 0 ? 0 : weight * temperature * temperature * parts.divergence
    let hidden = hiddenWeight == 0 ? 0 : hiddenWeight * parts.hidden
    return taught + (1 - weight) * parts.task + hidden
  }
}

/// What a teacher says of the supervised positions of one sequence.
package struct TeacherTargets: Sendable, Equatable {
  package var probabilities: TeacherProbabilities
  /// Nil where only distributions are compared.
  package var streams: TeacherStreams?

  package init(probabilities: TeacherProbabilities, streams: TeacherStreams? = nil) {
    (self.probabilities, self.streams) = (probabilities, streams)
  }

  /// Why a model cannot learn from it; nil where it can.
  package func fault(positions: Int, _ config: DecoderConfig) -> String? {
    guard probabilities.positions == positions else {
      return "\(probabilities.positions) positions, the sequence has \(positions)"
    }
    return probabilities.fault(vocabulary: config.vocabularySize)
      ?? streams?.fault(positions: positions, config)
  }
}

/// The teacher's residual streams behind some blocks at n positions, each divided by the root of
/// its mean square, so that fp16 holds them.
package struct TeacherStreams: Sendable, Equatable {
  /// Blocks from 0, ascending.
  package let blocks: [Int]
  /// D.
  package let width: Int
  /// 1 / root of the mean square [blocks, n].
  package var factors: [Float] = []
  /// fp16 bits [blocks, n, D].
  package var values: [UInt16] = []

  package init(blocks: [Int], width: Int) { (self.blocks, self.width) = (blocks, width) }

  fileprivate func fault(positions: Int, _ config: DecoderConfig) -> String? {
    guard width == config.hiddenSize, zip(blocks, blocks.dropFirst()).allSatisfy({ $0 < $1 }),
      blocks.allSatisfy({ (0..<config.layerCount).contains($0) })
    else { return "its streams are those of another model" }
    guard factors.count == blocks.count * positions, values.count == factors.count * width else {
      return "its streams do not belong to as many positions"
    }
    guard factors.allSatisfy({ $0.isFinite && $0 > 0 }),
      values.withUnsafeBytes({ FloatType.f16.areFinite($0) })
    else { return "its streams are not finite" }
    return nil
  }

  /// Appends the stream [n, D] behind the next block, at the places of `rows`.
  mutating func append(_ stream: UnsafePointer<Float>, rows: [Int]) {
    values.reserveCapacity(blocks.count * rows.count * width)
    for row in rows {
      let numbers = UnsafeBufferPointer(start: stream + row * width, count: width)
      let square = numbers.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(max(1, width))
      let factor = Float(1 / max(square.squareRoot(), 1e-6))
      factors.append(factor)
      for number in numbers { values.append(Float16(number * factor).bitPattern) }
    }
  }
}
