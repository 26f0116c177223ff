import Collectives
import Testing

/// The oracle: a float as a multiple of 2^-fractionBits, rounded half to even, by integer shifts
/// only.
private func steps(_ value: Float, fractionBits: Int) -> Int128 {
  let bits = value.bitPattern
  let (field, fraction) = (Int(bits >> 23 & 0xff), Int128(bits & 0x7f_ffff))
  let significand = field == 0 ? fraction : fraction + (1 << 23)
  let shift = max(field, 1) - 127 - 23 + fractionBits
  let magnitude: Int128
  if shift >= 0 {
    magnitude = significand << shift
  } else if shift < -40 {
    magnitude = 0
  } else {
    let divisor = Int128(1) << -shift
    let (quotient, twice) = (significand / divisor, 2 * (significand % divisor))
    magnitude = quotient + (twice > divisor || (twice == divisor && quotient % 2 == 1) ? 1 : 0)
  }
  return value.sign == .minus ? -magnitude : magnitude
}

@Suite struct ExactSumTests {
  /// Every float must land on the very integer that the oracle gives; the widest range of each case
  /// is used.
  @Test(arguments: [(40, 128), (40, 1), (20, 7), (0, 3), (60, 1), (33, 1_000_000)])
  func roundsAsOracle(fractionBits: Int, addends: Int) throws {
    var random = RandomNumbers(seed: fractionBits * 1000 + addends)
    let largest = 62 - fractionBits - (addends - 1).bitWidth + (addends - 1).leadingZeroBitCount - 1
    for count in [0, 1, 7, 255, 256, 257, 1000] {
      for top in [largest, min(largest, 4), -30] {
        let floats = random.floats(count, largest: top)
        var sum = ExactSum(count: count + 1, fractionBits: fractionBits, addends: addends)
        try floats.withUnsafeBufferPointer { try sum.add($0, at: 1) }
        #expect(sum.values[0] == 0)
        for index in 0..<count {
          #expect(
            Int128(sum.values[index + 1]) == steps(floats[index], fractionBits: fractionBits),
            "\(floats[index])")
        }
      }
    }
  }

  /// 12 addends of 600 floats, split over 1 to 5 parts in random order: the same integers, those of
  /// the oracle, and the same floats.
  @Test(arguments: 1...5)
  func orderAndPartsDoNotShow(parts: Int) throws {
    var random = RandomNumbers(seed: parts)
    let count = 600
    let addends = (0..<12).map { _ in random.floats(count, largest: 15) }
    let expected = (0..<count).map { index in
      addends.reduce(Int128(0)) { $0 + steps($1[index], fractionBits: 40) }
    }
    for _ in 0..<5 {
      var total = [Int64](repeating: 0, count: count)
      let order = addends.indices.shuffled(using: &random)
      for part in 0..<parts {
        var sum = ExactSum(count: count, addends: 12)
        for place in order.indices where place % parts == part {
          try addends[order[place]].withUnsafeBufferPointer { try sum.add($0) }
        }
        for index in 0..<count { total[index] += sum.values[index] }
      }
      #expect(total.map { Int128($0) } == expected)
    }
  }

  @Test func givesBackFloats() throws {
    let floats: [Float] = [0, 1, -1, 0.1, 1234.5, -3.0e-5, 0x1p-40, 0x1p-41]
    var sum = ExactSum(count: 10, addends: 4)
    for _ in 0..<3 { try floats.withUnsafeBufferPointer { try sum.add($0, at: 2) } }
    var back = [Float](repeating: .nan, count: floats.count)
    back.withUnsafeMutableBufferPointer { sum.write(from: 2, to: $0, dividedBy: 7) }
    for (float, result) in zip(floats, back) {
      let expected = Float(3 * Double(steps(float, fractionBits: 40)) * 0x1p-40 / 7)
      #expect(result == expected)
    }
    #expect(back[7] == 0, "a tie goes to the even step")
    sum.reset()
    #expect(sum.values.allSatisfy { $0 == 0 })
  }

  @Test func scalarsAndIntegers() throws {
    var sum = ExactSum(count: 3, scalarFractionBits: 24, addends: 1000)
    for index in 0..<1000 {
      try sum.addDouble(Double(index) + 0.5, at: 1)
      try sum.addInteger(Int64(index), at: 2)
    }
    #expect(sum.double(at: 1) == 500_000)
    #expect(sum.integer(at: 2) == 499_500)
    #expect(sum.integer(at: 0) == 0)
    try sum.addDouble(0x1p-25, at: 0)
    #expect(sum.integer(at: 0) == 0, "a tie goes to the even step")
    try sum.addDouble(0x3p-25, at: 0)
    #expect(sum.integer(at: 0) == 2, "a tie goes to the even step")
  }

  @Test(arguments: [Float.nan, -.signalingNaN, .infinity, -.infinity])
  func refusesWhatIsNotFinite(bad: Float) {
    for place in [0, 300, 599] {
      var floats = [Float](repeating: 1, count: 600)
      floats[place] = bad
      var sum = ExactSum(count: 700, addends: 1)
      let error = #expect(throws: ExactSumError.self) {
        try floats.withUnsafeBufferPointer { try sum.add($0, at: 100) }
      }
      guard case .notFinite(index: place + 100, _) = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
    }
    var sum = ExactSum(count: 1, addends: 1)
    #expect(throws: ExactSumError.self) { try sum.addDouble(Double(bad), at: 0) }
  }

  /// The bound is 2^(62-40) / 128 = 32768: that float is taken, the next is not; and 128 of the
  /// largest of one sign, the worst case, give the true total.
  @Test(arguments: [Float(1), -1])
  func boundsAreSharp(sign: Float) throws {
    var sum = ExactSum(count: 3, addends: 128)
    for _ in 0..<128 { try [32768 * sign].withUnsafeBufferPointer { try sum.add($0, at: 1) } }
    #expect(sum.values[1] == Int64(sign) << 62)
    let error = #expect(throws: ExactSumError.self) {
      try [Float(0), Float(32768).nextUp * sign].withUnsafeBufferPointer { try sum.add($0, at: 1) }
    }
    #expect(
      error
        == .outOfRange(index: 2, value: Double(Float(32768).nextUp * sign), limit: 32768))
    try sum.addInteger((1 << 55) * Int64(sign), at: 0)
    #expect(throws: ExactSumError.self) { try sum.addInteger(((1 << 55) + 1) * Int64(sign), at: 0) }
    #expect(throws: ExactSumError.self) { try sum.addInteger(.min, at: 0) }
    #expect(throws: ExactSumError.self) { try sum.addDouble(0x1.0000001p31 * Double(sign), at: 0) }
    #expect(throws: ExactSumError.self) { try sum.addDouble(.greatestFiniteMagnitude, at: 0) }
  }

  // MARK: Steps by block

  /// 700 elements behind which two others stand; blocks of 256, 256 and 188.
  @Test func stepsFollowTheTotals() throws {
    var sum = ExactSum(count: 702, fractionBits: 34, addends: 8, adaptive: 700)
    #expect(sum.blockBits == [34, 34, 34])
    var floats = [Float](repeating: 0, count: 700)
    (floats[3], floats[300], floats[699]) = (-1.5, 1000, 1e-9)
    try floats.withUnsafeBufferPointer { try sum.add($0) }
    try sum.addDouble(3.25, at: 700)
    try sum.addInteger(12, at: 701)
    sum.adaptSteps()
    // 1.5 is below 2^1, 1000 below 2^10: 24 bits are left. 1e-9 needs fewer than 24 already.
    #expect(sum.blockBits == [23, 14, 34])
    #expect(sum.double(at: 700) == 3.25)
    #expect(sum.integer(at: 701) == 12)

    // With the new steps, on other offsets: every block rounds with its own.
    sum.reset()
    let (small, large) = (Float(0.123456789), Float(777.123456))
    try [small, large].withUnsafeBufferPointer { try sum.add($0, at: 255) }
    #expect(Int128(sum.values[255]) == steps(small, fractionBits: 23))
    #expect(Int128(sum.values[256]) == steps(large, fractionBits: 14))
    let written = UnsafeMutableBufferPointer<Float>.allocate(capacity: 2)
    defer { written.deallocate() }
    sum.write(from: 255, to: written, dividedBy: 2)
    #expect(abs(written[0] - small / 2) <= 0x1p-25)
    #expect(abs(written[1] - large / 2) <= 0x1p-16)

    // Smaller totals make finer steps one bit at a time; none at all likewise.
    sum.adaptSteps()
    #expect(sum.blockBits == [24, 14, 34])
    sum.reset()
    sum.adaptSteps()
    #expect(sum.blockBits == [25, 15, 34])
  }

  /// What was in range without blocks is in range with any steps that totals can lead to.
  @Test func blocksKeepTheRange() throws {
    var sum = ExactSum(count: 256, fractionBits: 34, addends: 128, adaptive: 256)
    let largest: [Float] = [0x1p21]  // 2^62 / 128 steps of 2^-34
    try largest.withUnsafeBufferPointer { try sum.add($0) }
    sum.adaptSteps()
    for _ in 0..<60 {
      sum.reset()
      sum.adaptSteps()
    }
    #expect(sum.blockBits == [34])
    try largest.withUnsafeBufferPointer { try sum.add($0) }
    #expect(sum.bound(ofBlock: 0) == 1 << 55)
  }
}
