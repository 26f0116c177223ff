internal import CKernels

extension Compute {
  /// Rows whose sums stay in the first cache while tokens pass.
  private static let rowsAtATime = 64

  /// sums [O, G] over the tokens of dy times the sum of a group's inputs, for dy [tokens, O] and x
  /// [tokens, I]: by -s the gradients of zero points.
  ///
  /// Inputs of a group are added up in Double, in their order, and rounded; products in fp32, in
  /// the order of tokens.
  package func groupSums(
    _ w: WeightMatrix, dy: UnsafePointer<Float>, x: UnsafePointer<Float>, tokens: Int,
    into sums: UnsafeMutablePointer<Float>
  ) {
    let (rows, groups) = (w.rows, w.groups)
    sums.update(repeating: 0, count: rows * groups)
    guard tokens > 0 else { return }
    let inputs = operandMemory(.groupSums, bytes: tokens * groups * 4)
      .assumingMemoryBound(to: Float.self)
    addInputs(w, inOrder(x, of: w, tokens: tokens), tokens: tokens, into: inputs)
    pool.parallelFor((rows + Self.rowsAtATime - 1) / Self.rowsAtATime) { block in
      let part =
        block
        * Self.rowsAtATime..<min(rows, (block + 1) * Self.rowsAtATime)
      for t in 0..<tokens {
        let (dy, inputs) = (dy + t * rows, inputs + t * groups)
        guard groups > 1 else {
          for o in part { sums[o] += dy[o] * inputs[0] }
          continue
        }
        for o in part {
          let (slope, out) = (dy[o], sums + o * groups)
          for g in 0..<groups { out[g] += slope * inputs[g] }
        }
      }
    }
  }

  /// out [tokens, G] = the sum of each group's columns of x [tokens, I].
  private func addInputs(
    _ w: WeightMatrix, _ x: UnsafePointer<Float>, tokens: Int,
    into out: UnsafeMutablePointer<Float>
  ) {
    let (columns, groups, size) = (w.columns, w.groups, Int(w.raw.group_size))
    pool.parallelRanges(tokens, unit: 8) { range, _ in
      for t in range {
        for g in 0..<groups {
          var sum = 0.0
          for i in g * size..<min(columns, (g + 1) * size) { sum += Double(x[t * columns + i]) }
          out[t * groups + g] = Float(sum)
        }
      }
    }
  }
}
