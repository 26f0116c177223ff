internal import CKernels
internal import Kernels
internal import Testing

/// Half precision and bf16, bit by bit, against the arithmetic of Swift's own types.
@Suite struct NumberFormatTests {
  @Test func everyHalfWidens() {
    var wrong: [UInt16] = []
    for bits in UInt16.min...UInt16.max {
      let want = Float(Float16(bitPattern: bits))
      let got = peqa_f16_to_f32(bits)
      let same = want.isNaN ? got.isNaN : got.bitPattern == want.bitPattern
      if !same { wrong.append(bits) }
    }
    #expect(wrong.isEmpty)
  }

  // Dense fp16 weights pass the vector unit.
  @Test(arguments: InstructionSet.available)
  func everyHalfWidensInAMatrix(_ set: InstructionSet) {
    let halves = GuardedMemory(Array(UInt16.min...UInt16.max))
    let matrix = WeightMatrix(dense: halves.raw, type: .f16, rows: 64, columns: 1024)
    let compute = Compute(pool: WorkerPool(threads: 1), precision: .fp32, instructionSet: set)
    var row = [Float](repeating: 0, count: 1024)
    var wrong: [UInt16] = []
    for first in stride(from: 0, to: 65536, by: 1024) {
      compute.row(first / 1024, of: matrix, into: &row)
      for (column, got) in row.enumerated() {
        let want = Float(Float16(bitPattern: UInt16(first + column)))
        let same = want.isNaN ? got.isNaN : got.bitPattern == want.bitPattern
        if !same { wrong.append(UInt16(first + column)) }
      }
    }
    #expect(wrong.isEmpty)
  }

  /// Each half, the tie to its neighbour, and the floats beside both.
  @Test func floatsRoundToTheNearestEvenHalf() {
    var wrong: [Float] = []
    for bits in UInt16(0)..<0x7C00 {
      let half = Float(Float16(bitPattern: bits))
      // The neighbour of the largest half would be 65536.
      let above = bits == 0x7BFF ? 65536 : Float(Float16(bitPattern: bits + 1))
      let tie = half / 2 + above / 2
      for value in [half, half.nextUp, tie.nextDown, tie, tie.nextUp, above.nextDown] {
        for signed in [value, -value]
        where peqa_f32_to_f16(signed) != Float16(signed).bitPattern {
          wrong.append(signed)
        }
      }
    }
    #expect(wrong.isEmpty)
  }

  @Test func extremeFloatsAsHalves() {
    #expect(peqa_f32_to_f16(.infinity) == 0x7C00)
    #expect(peqa_f32_to_f16(-.infinity) == 0xFC00)
    #expect(peqa_f32_to_f16(.greatestFiniteMagnitude) == 0x7C00)
    #expect(peqa_f32_to_f16(Float.leastNonzeroMagnitude) == 0)
    #expect(peqa_f32_to_f16(-Float.leastNormalMagnitude) == 0x8000)
    #expect(Float16(bitPattern: peqa_f32_to_f16(.nan)).isNaN)
    #expect(Float16(bitPattern: peqa_f32_to_f16(Float(bitPattern: 0x7F80_0001))).isNaN)
  }

  /// Hardware bf16 conversion takes fp32 denormals as zero (Intel SDM, VCVTNEPS2BF16).
  @Test(arguments: InstructionSet.available)
  func floatsRoundToTheNearestEvenBF16(_ set: InstructionSet) {
    var random = RandomNumbers(seed: 8)
    var inputs = (0..<200_000).map { _ in Float(bitPattern: UInt32(random.next() >> 32)) }
    for high in UInt32(0)...0xFFFF {  // each bf16 number, its upper tie and both sides of it
      inputs += [0, 0x7FFF, 0x8000, 0x8001].map { Float(bitPattern: high << 16 | $0) }
    }
    inputs.append(1)  // an odd count
    var out = [UInt16](repeating: 0, count: inputs.count)
    set.kernels.round_bf16(
      1, Int32(inputs.count), Int32(inputs.count), inputs, inputs.count, nil, &out)
    var wrong: [Float] = []
    for (x, bits) in zip(inputs, out) {
      let got = Float(bitPattern: UInt32(bits) << 16)
      if x.isNaN {
        if !got.isNaN { wrong.append(x) }
      } else if x.isSubnormal {
        // Denormals are spaced evenly by 2^-133.
        let want = (Double(x) * 0x1p133).rounded(.toNearestOrEven) * 0x1p-133
        let flushed = set.hasNativeBF16 && got == 0
        if Double(got) != want && !flushed { wrong.append(x) }
      } else if x.isInfinite || x == 0 {
        if got.bitPattern != x.bitPattern { wrong.append(x) }
      } else {
        // In Double, so that a value above the range can be told.
        let step = Double(sign: .plus, exponent: Int(x.exponent) - 7, significand: 1)
        let want = (Double(x) / step).rounded(.toNearestOrEven) * step
        if Double(got) != (want.magnitude >= 0x1p128 ? want * .infinity : want) { wrong.append(x) }
      }
    }
    #expect(wrong.isEmpty, "\(wrong.prefix(5))")
  }
}
