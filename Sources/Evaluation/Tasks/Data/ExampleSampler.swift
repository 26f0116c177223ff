/// Chooses the examples that stand before an item, as lm-evaluation-harness does it.
///
/// A value for one task: the random choice goes on from item to item.
struct ExampleSampler {
  private let kind: TaskDefinition.Sampler
  private let pool: [TaskDocument]
  private let task: String
  private var random = PythonRandom(seed: Self.seed)

  static let seed: UInt32 = 1234

  init(_ kind: TaskDefinition.Sampler, pool: [TaskDocument], task: String) {
    (self.kind, self.pool, self.task) = (kind, pool, task)
  }

  /// Places in the pool of `count` examples; `item` is kept out where it is given.
  mutating func sample(_ count: Int, without item: TaskDocument?) throws(TaskError) -> [Int] {
    func others(_ indices: some Sequence<Int>) -> [Int] {
      guard let item else { return Array(indices) }
      return indices.filter { !pool[$0].hasContent(of: item) }
    }
    guard kind == .random else {
      let indices = others(pool.indices).prefix(count)
      guard indices.count == count else { throw tooFew(count, indices.count) }
      return Array(indices)
    }
    let drawn = item == nil ? count : count + 1
    guard drawn <= pool.count else { throw tooFew(drawn, pool.count) }
    var found = Array(others(random.sample(drawn, of: pool.count)).prefix(count))
    if found.count < count {
      // Copies of the item were drawn.
      let rest = others(pool.indices)
      guard rest.count >= count else { throw tooFew(count, rest.count) }
      found = random.sample(count, of: rest.count).map { rest[$0] }
    }
    return found
  }

  private func tooFew(_ wanted: Int, _ there: Int) -> TaskError {
    .fewShot(
      task: task,
      reason: "\(wanted) examples are to be drawn, and there are \(there); lower --num-fewshot")
  }
}
