internal import CKernels
internal import Kernels
internal import Testing

/// The functions between the layers of an MLP, gated and alone, every instruction set against
/// Double.
@Suite(.serialized) struct ActivationTests {
  /// Numbers up to 6, and where functions turn, vanish or are cut off.
  private func gates(_ count: Int, _ random: inout RandomNumbers) -> [Float] {
    var gate = random.floats(count, scale: 6)
    let special: [Float] = [0, -0.0, 80, -80, 200, -200, -1.278_464_6, 1e-30, -13.1]
    for (index, value) in special.enumerated() where index * 2 < count { gate[index * 2] = value }
    return gate
  }

  private func ones(_ count: Int) -> [Double] { [Double](repeating: 1, count: count) }

  @Test(arguments: InstructionSet.available, Activation.allCases)
  func values(_ set: InstructionSet, _ f: Activation) {
    let compute = Compute(pool: WorkerPool(threads: 2), precision: .fp32, instructionSet: set)
    for count in oddCounts {
      var random = RandomNumbers(seed: count)
      let gate = GuardedMemory(gates(count, &random))
      let up = GuardedMemory(random.floats(count))
      let oracles = gate.values.map { ActivationOracle(f, Double($0)) }
      for gated in [true, false] {
        let factors = gated ? up.values.map(Double.init) : ones(count)
        let h = GuardedMemory<Float>(results: count, fill: .nan)
        compute.activate(
          f, gate: gate.pointer, up: gated ? UnsafePointer(up.pointer) : nil, count: count,
          into: h.pointer)
        let want = zip(oracles, factors).map { $0.value * $1 }
        // The product with up is one more rounding.
        let rounding = gated ? unit : 0
        let bounds = zip(oracles, factors).map {
          abs($1) * ($0.valueBound + abs($0.value) * rounding)
        }
        let deviation = Deviation(h.values, want, allowing: bounds)
        #expect(deviation.isAllowed && h.isIntact, "\(count), gated \(gated): \(deviation)")
      }
      #expect(gate.isIntact && up.isIntact)
    }
  }

  @Test(arguments: InstructionSet.available, Activation.allCases)
  func slopes(_ set: InstructionSet, _ f: Activation) {
    let compute = Compute(pool: WorkerPool(threads: 2), precision: .fp32, instructionSet: set)
    for count in oddCounts {
      var random = RandomNumbers(seed: count)
      let gate = GuardedMemory(gates(count, &random))
      let (up, dh) = (GuardedMemory(random.floats(count)), GuardedMemory(random.floats(count)))
      let oracles = gate.values.map { ActivationOracle(f, Double($0)) }
      let d = dh.values.map(Double.init)
      for gated in [true, false] {
        let factors = gated ? up.values.map(Double.init) : ones(count)
        let dgate = GuardedMemory<Float>(results: count, fill: .nan)
        let dup = GuardedMemory<Float>(results: count, fill: .nan)
        compute.activateBackward(
          f, gate: gate.pointer, up: gated ? UnsafePointer(up.pointer) : nil, dh: dh.pointer,
          count: count, dgate: dgate.pointer, dup: gated ? dup.pointer : nil)
        var gateDeviation = Deviation()
        var upDeviation = Deviation()
        for i in 0..<count {
          let size = abs(d[i] * factors[i])
          // Two products stand around the slope, one beside the value.
          gateDeviation.note(
            Double(dgate.pointer[i]), d[i] * factors[i] * oracles[i].slope,
            size * (oracles[i].slopeBound + abs(oracles[i].slope) * 2 * unit), i)
          guard gated else { continue }
          upDeviation.note(
            Double(dup.pointer[i]), d[i] * oracles[i].value,
            abs(d[i]) * (oracles[i].valueBound + abs(oracles[i].value) * unit), i)
        }
        #expect(gateDeviation.isAllowed && dgate.isIntact, "\(count) \(gated): \(gateDeviation)")
        #expect(upDeviation.isAllowed && dup.isIntact, "\(count): \(upDeviation)")
        let untouched = gated || dup.values.allSatisfy { $0.isNaN }
        #expect(untouched)
        // The results may overwrite the inputs.
        let (first, second) = (GuardedMemory(gate.values), GuardedMemory(up.values))
        compute.activateBackward(
          f, gate: first.pointer, up: gated ? UnsafePointer(second.pointer) : nil, dh: dh.pointer,
          count: count, dgate: first.pointer, dup: gated ? second.pointer : nil)
        let same =
          first.values == dgate.values && second.values == (gated ? dup.values : up.values)
        #expect(same, "in place")
      }
    }
  }

  /// A broken number must show in the result, beside it nothing.
  @Test(arguments: InstructionSet.available, Activation.allCases)
  func notANumberShows(_ set: InstructionSet, _ f: Activation) {
    let one = [Float](repeating: 1, count: 41)
    for place in [0, 5, 16, 40] {
      for bad in [Float.nan, .infinity] {
        var x = [Float](repeating: 0.5, count: 41)
        x[place] = bad
        var (gated, alone) = (x, x)
        set.kernels.activate(f.forKernels, 41, x, one, &gated, nil)
        set.kernels.activate(f.forKernels, 41, x, nil, &alone, nil)
        for h in [gated, alone] {
          #expect(!h[place].isFinite)
          let othersAreFinite = h.indices.allSatisfy { $0 == place || h[$0].isFinite }
          #expect(othersAreFinite)
        }
      }
    }
  }
}
