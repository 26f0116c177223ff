internal import Calibration
import Testing

@Suite struct CalibrationSetTests {
  @Test func sequencesAreSpreadAndDisjoint() throws {
    let tokens = (0..<10_000).map { Int32($0) }
    let set = try CalibrationSet(tokens: tokens, length: 100, count: 20, heldOut: 4)
    #expect(set.sequences.count == 20)
    #expect(set.heldOut.count == 4)
    let starts = (set.sequences + set.heldOut).compactMap(\.first).sorted()
    #expect(Set(starts).count == 24)
    #expect(starts.allSatisfy { $0 % 100 == 0 })
    #expect(starts.first == 0)
    #expect((starts.last ?? 0) > 9000)
    #expect((set.sequences + set.heldOut).allSatisfy { $0.count == 100 })
  }

  @Test func aShortTextIsShared() throws {
    let set = try CalibrationSet(
      tokens: [Int32](repeating: 1, count: 250), length: 100, count: 20)
    #expect(set.sequences.count == 1)
    #expect(set.heldOut.count == 1)
    #expect(throws: CalibrationError.self) {
      try CalibrationSet(tokens: [Int32](repeating: 1, count: 199), length: 100, count: 20)
    }
  }
}
