import DecoderModel
import Testing

/// The plan against a plain simulation: what is held, what is read, what is there when it is used.
@Suite struct StreamPlanTests {
  struct Reading {
    var bytes = 0
    var peak = 0
    var misses = 0
  }

  /// Follows `layers` with the window's advice; everything asked for is there at once.
  private func follow(_ plan: StreamPlan, _ window: inout StreamWindow, _ layers: [Int]) -> Reading
  {
    var reading = Reading()
    for (place, layer) in layers.enumerated() {
      let next = place + 1 < layers.count ? layers[place + 1] : layer
      let change = window.prefetch(layer, next: next)
      for dropped in change.drop { held.remove(dropped) }
      for loaded in change.load {
        #expect(held.insert(loaded).inserted, "nothing is read that is there")
        reading.bytes += plan.blockBytes[loaded]
      }
      if !held.contains(layer) { reading.misses += 1 }
      reading.peak = max(reading.peak, held.reduce(0) { $0 + plan.blockBytes[$1] })
    }
    return reading
  }

  private var held: Set<Int> {
    get { store.held }
    nonmutating set { store.held = newValue }
  }
  private final class Store { var held: Set<Int> = [] }
  private let store = Store()

  @Test(arguments: [0, 1, 25, 30, 45, 79, 80, 81, 100])
  func passesKeepToTheBudget(budget: Int) {
    let plan = StreamPlan(blockBytes: Array(repeating: 10, count: 8), budget: budget)
    var window = StreamWindow(plan)
    let pass = Array(0..<8) + (0..<8).reversed()
    _ = follow(plan, &window, pass)
    for _ in 0..<3 {
      let reading = follow(plan, &window, pass)
      #expect(reading.misses == 0)
      #expect(reading.peak <= max(budget, 20))
      #expect(reading.peak == plan.peakBytes)
      // Each streamed block in both directions, but for the two that the window holds at each turn.
      let turns = plan.streamed > 2 ? 2 * (plan.streamed - 2) : 0
      #expect(reading.bytes == 10 * turns)
    }
    // As much stays as fits beside the window.
    let fits = budget >= 80 ? 8 : max(0, budget / 10 - 2)
    #expect(8 - plan.streamed == fits)
  }

  /// Forward passes alone, as an evaluation makes them.
  @Test func forwardPassesKeepWhatStays() {
    let plan = StreamPlan(blockBytes: Array(repeating: 10, count: 8), budget: 50)
    var window = StreamWindow(plan)
    _ = follow(plan, &window, Array(0..<8))
    let reading = follow(plan, &window, Array(0..<8))
    #expect(plan.streamed == 5)
    #expect(reading.bytes == 50 && reading.misses == 0)
  }

  @Test func unequalBlocksKeepToTheBudget() {
    let bytes = [5, 40, 7, 13, 2, 30, 11]
    for budget in 80...108 {
      let plan = StreamPlan(blockBytes: bytes, budget: budget)
      #expect(plan.peakBytes <= budget)
      #expect(plan.residentBytes + plan.streamedBytes == 108)
      var window = StreamWindow(plan)
      store.held = []
      #expect(follow(plan, &window, Array(0..<7) + (0..<7).reversed()).peak <= budget)
    }
    #expect(StreamPlan(blockBytes: bytes, budget: 108).streamed == 0)
  }
}
