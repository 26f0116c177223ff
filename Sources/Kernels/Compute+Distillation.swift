internal import CKernels
internal import Foundation

// Learning from another model: what the teacher says, and the loss of the student against it.
extension Compute {
  /// The k most probable tokens of each row of logits [tokens, vocabulary] at a temperature; of
  /// equal ones the first. Logarithms are computed in Double and rounded once. A row with a number
  /// that is none gives logarithms that are none.
  package func mostProbable(
    _ count: Int, of logits: UnsafePointer<Float>, tokens: Int, vocabulary: Int,
    temperature: Double
  ) -> TeacherProbabilities {
    precondition(count <= vocabulary, "a teacher names tokens of its vocabulary")
    var found = TeacherProbabilities(count: count)
    found.ids = [Int32](repeating: 0, count: tokens * count)
    found.logs = [Float](repeating: 0, count: tokens * count)
    found.rest = [Float](repeating: 0, count: tokens)
    found.ids.withUnsafeMutableBufferPointer { ids in
      found.logs.withUnsafeMutableBufferPointer { logs in
        found.rest.withUnsafeMutableBufferPointer { rest in
          pool.parallelFor(tokens) { t in
            let row = UnsafeBufferPointer(start: logits + t * vocabulary, count: vocabulary)
            let names = t * count..<(t + 1) * count
            var best = LargestNumbers(count)
            for (id, logit) in row.enumerated() { best.offer(logit, Int32(id)) }
            for (place, id) in zip(names, best.ids.sorted()) { ids[place] = id }
            rest[t] = Self.logProbabilities(
              row, UnsafeBufferPointer(rebasing: ids[names]), turn: 1 / temperature,
              into: UnsafeMutableBufferPointer(rebasing: logs[names]))
          }
        }
      }
    }
    return found
  }

  /// Writes the logarithms of the probabilities of `ids`, and gives that of all others together.
  private static func logProbabilities(
    _ logits: UnsafeBufferPointer<Float>, _ ids: UnsafeBufferPointer<Int32>, turn: Double,
    into logs: UnsafeMutableBufferPointer<Float>
  ) -> Float {
    let top = Double(logits.max() ?? 0)
    var (named, others, next) = (0.0, 0.0, 0)
    for (id, logit) in logits.enumerated() {
      let share = Elementary.exp((Double(logit) - top) * turn)
      if next < ids.count, ids[next] == Int32(id) {
        named += share
        next += 1
      } else {
        others += share
      }
    }
    let logSum = Elementary.log(named + others)
    for (place, id) in ids.enumerated() {
      logs[place] = Float((Double(logits[Int(id)]) - top) * turn - logSum)
    }
    return Float(Elementary.log(others) - logSum)
  }

  /// Losses of rows of logits against a teacher: [tokens, 2], cross-entropy and divergence, both in
  /// nats. Where `gradient`, the rows become the gradient of
  ///
  ///     weight * temperature^2 * divergence + (1 - weight) * cross-entropy
  ///
  /// - Parameter first: the position of the teacher that belongs to the first row.
  package func distill(
    _ logits: UnsafeMutablePointer<Float>, targets: [Int32], vocabulary: Int, cap: Float? = nil,
    teacher: TeacherProbabilities, from first: Int, weight: Float, temperature: Float,
    gradient: Bool, losses: UnsafeMutablePointer<Double>
  ) {
    let count = teacher.count
    precondition(first + targets.count <= teacher.positions, "a teacher knows all positions")
    precondition(count <= vocabulary, "a teacher names tokens of the vocabulary")
    teacher.ids.withUnsafeBufferPointer { ids in
      teacher.logs.withUnsafeBufferPointer { logs in
        guard let ids = ids.baseAddress, let logs = logs.baseAddress else { return }
        pool.parallelFor(targets.count) { t in
          precondition(0..<vocabulary ~= Int(targets[t]), "a target is a token of the vocabulary")
          var row = peqa_teacher(
            count: Int32(count), ids: ids + (first + t) * count, logs: logs + (first + t) * count,
            rest: teacher.rest[first + t])
          table.pointee.distill(
            Int32(vocabulary), targets[t], cap ?? 0, &row, weight, temperature,
            logits + t * vocabulary, gradient ? 1 : 0, losses + 2 * t)
        }
      }
    }
  }
}

/// The largest of the numbers that are offered, with their ids; of equal ones those offered first.
private struct LargestNumbers {
  /// A heap: its first one is the smallest, or of equal ones the latest.
  private var heap: [(number: Float, id: Int32)] = []
  private let count: Int

  init(_ count: Int) {
    self.count = count
    heap.reserveCapacity(count)
  }

  var ids: [Int32] { heap.map(\.id) }

  mutating func offer(_ number: Float, _ id: Int32) {
    if heap.count < count {
      heap.append((number, id))
      rise()
    } else if number > heap[0].number {
      heap[0] = (number, id)
      sink()
    }
  }

  private func isLess(_ a: Int, _ b: Int) -> Bool {
    heap[a].number < heap[b].number || heap[a].number == heap[b].number && heap[a].id > heap[b].id
  }

  private mutating func rise() {
    var place = heap.count - 1
    while place > 0, isLess(place, (place - 1) / 2) {
      heap.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  private mutating func sink() {
    var place = 0
    while true {
      var least = place
      for child in 2 * place + 1...2 * place + 2 where child < heap.count && isLess(child, least) {
        least = child
      }
      if least == place { return }
      heap.swapAt(place, least)
      place = least
    }
  }
}
