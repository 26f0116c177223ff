internal import Foundation
internal import Kernels

/// How far a model's predictions are from those of another, summed over positions, in nats.
package struct Divergence: Sendable, Equatable {
  /// Cross-entropy of the targets under each.
  package var loss = 0.0
  package var referenceLoss = 0.0
  /// KL(reference || model).
  package var divergence = 0.0
  package var positions = 0

  package init() {}
}

extension Decoder {
  /// Compares what two streams behind the last block, [T, D], predict of `tokens`: of every token
  /// the next.
  package func divergence(
    of stream: UnsafePointer<Float>, from reference: UnsafePointer<Float>, tokens: [Int32]
  ) -> Divergence {
    let (work, vocabulary) = (headWorkspace(), config.vocabularySize)
    let first = FloatBuffer(count: HeadWorkspace.chunk * vocabulary)
    var sum = Divergence()
    let positions = Array(0..<tokens.count - 1)
    for start in stride(from: 0, to: positions.count, by: HeadWorkspace.chunk) {
      let chunk = positions[start..<min(positions.count, start + HeadWorkspace.chunk)]
      logits(of: chunk, reference, work)
      first.pointer.update(from: work.logits.pointer, count: chunk.count * vocabulary)
      logits(of: chunk, stream, work)
      var parts = [Divergence](repeating: Divergence(), count: chunk.count)
      parts.withUnsafeMutableBufferPointer { parts in
        compute.pool.parallelFor(chunk.count) { row in
          parts[row] = Self.divergence(
            UnsafeBufferPointer(start: work.logits.pointer + row * vocabulary, count: vocabulary),
            UnsafeBufferPointer(start: first.pointer + row * vocabulary, count: vocabulary),
            target: Int(tokens[start + row + 1]))
        }
      }
      for part in parts {
        sum.loss += part.loss
        sum.referenceLoss += part.referenceLoss
        sum.divergence += part.divergence
      }
      sum.positions += chunk.count
    }
    return sum
  }

  private static func divergence(
    _ logits: UnsafeBufferPointer<Float>, _ reference: UnsafeBufferPointer<Float>, target: Int
  ) -> Divergence {
    func logSum(_ x: UnsafeBufferPointer<Float>) -> Double {
      let most = Double(x.max() ?? 0)
      return most + log(x.reduce(0.0) { $0 + exp(Double($1) - most) })
    }
    let (own, other) = (logSum(logits), logSum(reference))
    var result = Divergence()
    for (p, q) in zip(reference, logits) {
      let logP = Double(p) - other
      result.divergence += exp(logP) * (logP - (Double(q) - own))
    }
    result.loss = own - Double(logits[target])
    result.referenceLoss = other - Double(reference[target])
    return result
  }
}
