internal import CKernels
internal import Foundation

/// What a teacher says of n positions, at one temperature: of each the k most probable tokens, and
/// what all others have together.
package struct TeacherProbabilities: Sendable, Equatable {
  /// k, the same for all positions; the whole vocabulary at most.
  package let count: Int
  /// Ids [n, k], ascending at each position.
  package var ids: [Int32] = []
  /// Logarithms of their probabilities [n, k].
  package var logs: [Float] = []
  /// Logarithm of the mass of all others [n]; -infinity where there is none.
  package var rest: [Float] = []

  /// Tokens that a position may name.
  package static let mostTokens = Int(PEQA_TEACHER_TOKENS)

  package init(count: Int) {
    precondition((1...Self.mostTokens).contains(count), "a teacher names some tokens")
    self.count = count
  }

  package var positions: Int { rest.count }

  package mutating func append(_ other: TeacherProbabilities) {
    precondition(other.count == count, "teachers of one batch name equally many tokens")
    ids += other.ids
    logs += other.logs
    rest += other.rest
  }

  /// What is wrong with these numbers, as they come from a file; nil where a student of
  /// `vocabulary` tokens can be compared with them.
  package func fault(vocabulary: Int) -> String? {
    let names = positions.multipliedReportingOverflow(by: count)
    guard !names.overflow, ids.count == names.partialValue, logs.count == ids.count else {
      return "its numbers do not belong to as many positions"
    }
    guard count <= vocabulary else { return "it names more tokens than the vocabulary has" }
    guard rest.allSatisfy({ $0 <= Self.roundedZero && (count < vocabulary || $0 == -.infinity) })
    else { return "it gives more than everything to the tokens that it does not name" }
    guard logs.allSatisfy({ $0 <= Self.roundedZero && $0 > -.infinity }) else {
      return "a probability is none"
    }
    for position in 0..<positions {
      var least: Int32 = 0
      for id in ids[position * count..<(position + 1) * count] {
        guard id >= least, id < vocabulary else { return "its token ids are in no order" }
        least = id + 1
      }
      guard abs(mass(at: position) - 1) <= Self.roundedMass else {
        return "its probabilities do not add up to 1"
      }
    }
    return nil
  }

  /// What the named tokens and all others have together.
  private func mass(at position: Int) -> Double {
    logs[position * count..<(position + 1) * count].reduce(exp(Double(rest[position]))) {
      $0 + exp(Double($1))
    }
  }

  /// The logarithm of a probability of 1 may come out this large.
  private static let roundedZero: Float = 1e-5
  /// Rounded logarithms err by 2^-24 of themselves, which is 2^-24 of the entropy in the sum.
  private static let roundedMass = 1e-4
}
