internal import Foundation

/// What rendering may cost. Every operation is charged before it works, by the work it is about to
/// do: bytes read, written or compared, and the memory of list elements.
///
/// Templates come from strangers, so a render that spends its budget ends with an error. Real
/// templates need a few hundred steps and a few times the length of the conversation.
struct RenderBudget: Sendable {
  /// Nodes and expressions evaluated by one render.
  static let steps = 1_000_000
  /// Bytes made or gone through by one render.
  static let bytes = 1 << 27
  /// Processor time of one render: the last line, should a charge be too low somewhere. It is time
  /// of the thread, so that neither a busy machine nor a stopped process can end a good render.
  static let seconds = 4.0
  /// A sample may cost as much as so many renders, in however many it is rendered.
  static let rendersPerSample = 16

  private var stepsLeft: Int
  private var bytesLeft: Int
  private var secondsLeft: Double
  private var startOfCharge: Double
  /// Work until the clock is read again: a reading costs about as much as a step.
  private var untilClock = Self.clockInterval
  private static let clockInterval = 1 << 20

  init(renders: Int = 1) {
    stepsLeft = Self.steps * renders
    bytesLeft = Self.bytes * renders
    secondsLeft = Self.seconds * Double(renders)
    startOfCharge = Self.processorTime()
  }

  /// The budget of one render out of one for several.
  func forOneRender() -> RenderBudget {
    var one = RenderBudget()
    one.stepsLeft = min(one.stepsLeft, stepsLeft)
    one.bytesLeft = min(one.bytesLeft, bytesLeft)
    one.secondsLeft = min(one.secondsLeft, secondsLeft)
    return one
  }

  /// Takes off what a render has used of the budget that `forOneRender` gave it.
  mutating func subtract(_ one: RenderBudget, givenAs given: RenderBudget) {
    stepsLeft -= given.stepsLeft - one.stepsLeft
    bytesLeft -= given.bytesLeft - one.bytesLeft
    secondsLeft -= Self.processorTime() - given.startOfCharge
  }

  /// One more node or expression; the reason where that is too many.
  mutating func step() -> String? {
    stepsLeft -= 1
    guard stepsLeft >= 0 else { return "the template does not come to an end" }
    return passTime(64)
  }

  /// So many more bytes; the reason where that is too many.
  mutating func charge(_ bytes: Int) -> String? {
    bytesLeft -= min(max(bytes, 0), bytesLeft + 1)
    guard bytesLeft >= 0 else {
      return "the template handles more than \(Self.bytes >> 20) MiB of text"
    }
    return passTime(bytes)
  }

  private mutating func passTime(_ work: Int) -> String? {
    untilClock -= work
    guard untilClock < 0 else { return nil }
    untilClock = Self.clockInterval
    guard Self.processorTime() - startOfCharge <= secondsLeft else {
      return "the template takes more than \(Int(Self.seconds)) seconds"
    }
    return nil
  }

  /// Processor time of this thread, in seconds.
  private static func processorTime() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }
}
