internal import CKernels
internal import Kernels
internal import Testing

/// Passes that do several things at once, every instruction set against Double or against the same
/// things done one after the other.
@Suite(.serialized) struct FusedGradientTests {
  private func results<T>(_ count: Int, fill: T) -> GuardedMemory<T> {
    GuardedMemory(results: count, fill: fill)
  }

  /// sums = sum_t dy (y - minus) and out = bf16(dy factor), for columns inside a wider matrix.
  @Test(arguments: InstructionSet.available, [false, true])
  func rowGradient(_ set: InstructionSet, _ hasMinus: Bool) {
    for (index, columns) in oddCounts.enumerated() {
      var random = RandomNumbers(seed: index)
      let (rows, padded) = ([1, 6, 25, 130][index % 4], columns + columns % 2)
      let dy = GuardedMemory(random.floats(rows * columns))
      let y = GuardedMemory(random.floats(rows * columns))
      let minus = GuardedMemory(random.floats(rows * columns))
      let factor = GuardedMemory(random.floats(columns))
      let sums = results(columns, fill: Float(1))
      let out = results(rows * padded, fill: UInt16(7))
      let first = columns / 3
      for (start, end) in [(first, columns), (0, first)] {
        set.kernels.row_scale_gradient(
          Int32(rows), Int32(start), Int32(end), dy.pointer, columns, y.pointer,
          hasMinus ? UnsafePointer(minus.pointer) : nil, columns, factor.pointer, out.pointer,
          padded, sums.pointer)
      }
      let (dys, ys, factors) = (dy.values, y.values, factor.values)
      let minuses = hasMinus ? minus.values : [Float](repeating: 0, count: rows * columns)
      var want = [Double](repeating: 1, count: columns)
      var sizes = want
      var wantOut = [UInt16](repeating: 7, count: rows * padded)
      for at in 0..<rows * columns {
        let output = Double(ys[at]) - Double(minuses[at])
        want[at % columns] += Double(dys[at]) * output
        sizes[at % columns] +=
          abs(Double(dys[at])) * (abs(Double(ys[at])) + abs(Double(minuses[at])))
        let rounded = roundedToBF16(dys[at] * factors[at % columns])
        wantOut[at / columns * padded + at % columns] = UInt16(rounded.bitPattern >> 16)
      }
      // A sum of n products errs by n units, the difference in each by one more.
      let deviation = Deviation(
        sums.values, want, allowing: sizes.map { $0 * Double(rows + 2) * unit })
      #expect(deviation.isAllowed, "\(set) \(columns): \(deviation)")
      let same = out.values == wantOut
      #expect(same && sums.isIntact && out.isIntact, "\(set) operand of \(columns)")
    }
  }

  /// The fused backward pass of an activation has the bits of its parts. The sums of the gate use
  /// what it was before a bias.
  @Test(arguments: InstructionSet.available, Activation.allCases)
  func activationGradient(_ set: InstructionSet, _ f: Activation) {
    for (index, columns) in [2, 16, 30, 64, 200].enumerated() {
      for gated in [true, false] { compareWithParts(set, f, columns, gated: gated, seed: index) }
    }
  }

  private func compareWithParts(
    _ set: InstructionSet, _ f: Activation, _ columns: Int, gated: Bool, seed: Int
  ) {
    var random = RandomNumbers(seed: seed)
    let (rows, table, first) = (37, set.kernels, columns / 3)
    let count = rows * columns
    let gate = GuardedMemory(random.floats(count, scale: 4))
    let output = GuardedMemory(random.floats(count, scale: 4))
    let (up, dh) = (GuardedMemory(random.floats(count)), GuardedMemory(random.floats(count)))
    let factor = GuardedMemory(random.floats(columns))
    let (dgate, dup) = (results(count, fill: Float.nan), results(count, fill: Float.nan))
    let ups = gated ? UnsafePointer(up.pointer) : nil
    table.activate_backward(
      f.forKernels, count, gate.pointer, ups, dh.pointer, dgate.pointer,
      gated ? dup.pointer : nil)
    let got = (0..<2).map { _ in results(count, fill: UInt16(0)) }
    let sums = (0..<2).map { _ in results(columns, fill: Float(0)) }
    for (start, end) in [(first, columns), (0, first)] {
      table.activation_gradient(
        f.forKernels, Int32(rows), Int32(start), Int32(end), columns, gate.pointer, output.pointer,
        ups, dh.pointer, factor.pointer, nil, got[0].pointer, gated ? got[1].pointer : nil,
        sums[0].pointer, gated ? sums[1].pointer : nil)
    }
    for (part, (dy, y)) in [(dgate, output), (dup, up)].enumerated() {
      let wantSums = results(columns, fill: Float(0))
      let want = results(count, fill: UInt16(0))
      if part == 0 || gated {
        table.row_scale_gradient(
          Int32(rows), 0, Int32(columns), dy.pointer, columns, y.pointer, nil, columns,
          part == 0 ? UnsafePointer(factor.pointer) : nil, want.pointer, columns, wantSums.pointer)
      }
      let same = want.values == got[part].values && wantSums.values == sums[part].values
      #expect(same, "\(set) \(columns), part \(part), gated \(gated)")
      #expect(got[part].isIntact && sums[part].isIntact, "\(set) \(columns) wrote outside")
    }
  }

  /// Norms and activations leave the bf16 operand that rounding their fp32 results gives.
  @Test(arguments: InstructionSet.available)
  func operandsAreRoundedResults(_ set: InstructionSet) {
    let table = set.kernels
    for (index, width) in oddCounts.enumerated() {
      var random = RandomNumbers(seed: index)
      let (rows, padded) = (5, width + width % 2)
      let (r, w) = (Int32(rows), Int32(width))
      let x = GuardedMemory(random.floats(rows * width, scale: 3))
      let weight = GuardedMemory(random.floats(width))
      let bias = GuardedMemory(random.floats(width))
      let y = results(rows * width, fill: Float.nan)
      let (inverse, mean) = (results(rows, fill: Float.nan), results(rows, fill: Float.nan))
      for kind in ["rms", "layer", "layer with bias"] {
        let operand = results(rows * padded, fill: UInt16(7))
        if kind == "rms" {
          table.rms_norm(
            r, w, 1e-5, x.pointer, weight.pointer, y.pointer, operand.pointer, inverse.pointer)
        } else {
          table.layer_norm(
            r, w, 1e-5, x.pointer, weight.pointer,
            kind == "layer" ? nil : UnsafePointer(bias.pointer), y.pointer, operand.pointer,
            mean.pointer, inverse.pointer)
        }
        let want = results(rows * padded, fill: UInt16(9))
        table.round_bf16(r, w, Int32(padded), y.pointer, width, nil, want.pointer)
        let same = operand.values == want.values
        #expect(same && operand.isIntact && y.isIntact, "\(set) \(kind) norm \(width)")
      }
      for f in Activation.allCases {
        for gated in [true, false] {
          let h = results(rows * width, fill: Float.nan)
          let operand = results(rows * width, fill: UInt16(7))
          table.activate(
            f.forKernels, rows * width, x.pointer, gated ? UnsafePointer(y.pointer) : nil,
            h.pointer, operand.pointer)
          let want = h.values.map { UInt16(roundedToBF16($0).bitPattern >> 16) }
          let same = operand.values == want
          #expect(same && operand.isIntact && h.isIntact, "\(set) \(f) \(width)")
        }
      }
    }
  }
}
