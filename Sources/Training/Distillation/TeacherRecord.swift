internal import Checkpoints
package import DecoderModel
internal import JSONText
internal import Kernels

/// How a file holds what a teacher says of a sequence of n supervised positions, one part after the
/// other, little-endian:
///
///     ids      u32 [n, k], ascending         logs  f32 [n, k]        rest  f32 [n]
///     factors  f32 [blocks, n]               streams  f16 [blocks, n, D]
package struct TeacherRecord: Sendable, Equatable {
  package let question: TeacherQuestion
  /// D.
  let width: Int

  package init(_ question: TeacherQuestion, of config: DecoderConfig) {
    var question = question
    question.tokens = min(question.tokens, config.vocabularySize)
    (self.question, width) = (question, config.hiddenSize)
  }

  package var bytesPerPosition: Int {
    8 * question.tokens + 4 + question.blocks.count * (4 + 2 * width)
  }

  func bytes(_ targets: TeacherTargets) -> [[UInt8]] {
    func bytes(_ numbers: [some BitwiseCopyable]) -> [UInt8] { numbers.withUnsafeBytes(Array.init) }
    let probabilities = targets.probabilities
    let streams = targets.streams.map { [bytes($0.factors), bytes($0.values)] } ?? []
    return [
      bytes(probabilities.ids), bytes(probabilities.logs), bytes(probabilities.rest),
    ] + streams
  }

  /// What stands at the beginning of `bytes`, which are `positions` times `bytesPerPosition`.
  func targets(_ bytes: UnsafeRawBufferPointer, positions: Int) -> TeacherTargets {
    var rest = bytes
    func next<T: BitwiseCopyable>(_ count: Int, _: T.Type) -> [T] {
      let size = count * MemoryLayout<T>.stride
      defer { rest = UnsafeRawBufferPointer(rebasing: rest[size...]) }
      return [T](unsafeUninitializedCapacity: count) { numbers, made in
        UnsafeMutableRawBufferPointer(numbers).copyMemory(
          from: UnsafeRawBufferPointer(rebasing: rest[..<size]))
        made = count
      }
    }
    var probabilities = TeacherProbabilities(count: question.tokens)
    probabilities.ids = next(positions * question.tokens, Int32.self)
    probabilities.logs = next(positions * question.tokens, Float.self)
    probabilities.rest = next(positions, Float.self)
    guard !question.blocks.isEmpty else { return TeacherTargets(probabilities: probabilities) }
    var streams = TeacherStreams(blocks: question.blocks, width: width)
    streams.factors = next(question.blocks.count * positions, Float.self)
    streams.values = next(question.blocks.count * positions * width, UInt16.self)
    return TeacherTargets(probabilities: probabilities, streams: streams)
  }
}

/// Everything that decides what a teacher says of a data set.
package struct TeacherIdentity: Sendable {
  /// SHA-256 of the teacher's weights, and `DecoderConfig.digest`.
  package var weights: String
  package var config: String
  /// `TokenDataset.digest`.
  package var data: String
  /// Of the order of the data, which decides what stands in which file.
  package var seed: Int
  /// They decide the last bits.
  package var kernels: String
  package var question: TeacherQuestion

  /// Changes whenever the same would be computed or kept otherwise.
  private static let codeVersion = 1

  package init(
    weights: String, config: String, data: String, seed: Int, kernels: String,
    question: TeacherQuestion
  ) {
    (self.weights, self.config, self.data) = (weights, config, data)
    (self.seed, self.kernels, self.question) = (seed, kernels, question)
  }

  /// SHA-256 in hexadecimal.
  package var key: String {
    let all: JSONValue = [
      "code": .integer(Self.codeVersion), "weights": .string(weights), "config": .string(config),
      "data": .string(data), "seed": .integer(seed), "kernels": .string(kernels),
      "tokens": .integer(question.tokens),
      "temperature": .string(String(question.temperature.bitPattern, radix: 16)),
      "blocks": .array(question.blocks.map { .integer($0) }),
    ]
    return SHA256.hexDigest(of: Array(all.text().utf8))
  }
}
