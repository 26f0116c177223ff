internal import CKernels

// What stands between the linear layers; rows are cut among the threads.
extension Compute {
  /// y = weight * x / rms(x) for x [tokens, width]; keeps 1 / rms for the backward pass, and only
  /// that without a y.
  package func rmsNorm(
    _ x: UnsafePointer<Float>, weight: UnsafePointer<Float>, tokens: Int, width: Int,
    epsilon: Float, into y: UnsafeMutablePointer<Float>?, inverseRMS: UnsafeMutablePointer<Float>
  ) {
    pool.parallelRanges(tokens, unit: 8) { range, _ in
      let at = range.lowerBound
      table.pointee.rms_norm(
        Int32(range.count), Int32(width), epsilon, x + at * width, weight,
        y.map { $0 + at * width }, nil, inverseRMS + at)
    }
  }

  /// dx += the gradient through `rmsNorm`.
  package func rmsNormBackward(
    _ x: UnsafePointer<Float>, weight: UnsafePointer<Float>, inverseRMS: UnsafePointer<Float>,
    dy: UnsafePointer<Float>, tokens: Int, width: Int, addingTo dx: UnsafeMutablePointer<Float>
  ) {
    pool.parallelRanges(tokens, unit: 8) { range, _ in
      let at = range.lowerBound
      table.pointee.rms_norm_backward(
        Int32(range.count), Int32(width), x + at * width, weight, inverseRMS + at, dy + at * width,
        dx + at * width)
    }
  }

  /// Turns every head of x [tokens, heads * headSize] by its position; `cosine` and `sine` are
  /// [tokens, headSize / 2]. `backward` turns the other way. May work in place.
  package func rope(
    _ x: UnsafePointer<Float>, tokens: Int, heads: Int, headSize: Int,
    cosine: UnsafePointer<Float>, sine: UnsafePointer<Float>, backward: Bool = false,
    into y: UnsafeMutablePointer<Float>
  ) {
    let (width, half) = (heads * headSize, headSize / 2)
    pool.parallelRanges(tokens, unit: 8) { range, _ in
      let at = range.lowerBound
      table.pointee.rope(
        Int32(range.count), Int32(heads), Int32(headSize), cosine + at * half, sine + at * half,
        backward ? -1 : 1, x + at * width, y + at * width)
    }
  }

  /// h = silu(gate) * up.
  package func swiGLU(
    gate: UnsafePointer<Float>, up: UnsafePointer<Float>, count: Int,
    into h: UnsafeMutablePointer<Float>
  ) {
    pool.parallelRanges(count, unit: 1024) { range, _ in
      let at = range.lowerBound
      table.pointee.swiglu(range.count, gate + at, up + at, h + at, nil)
    }
  }

  /// dgate and dup from dh; they may overwrite gate and up.
  package func swiGLUBackward(
    gate: UnsafePointer<Float>, up: UnsafePointer<Float>, dh: UnsafePointer<Float>, count: Int,
    dgate: UnsafeMutablePointer<Float>, dup: UnsafeMutablePointer<Float>
  ) {
    pool.parallelRanges(count, unit: 1024) { range, _ in
      let at = range.lowerBound
      table.pointee.swiglu_backward(
        range.count, gate + at, up + at, dh + at, dgate + at, dup + at)
    }
  }

  /// y += x.
  package func add(_ x: UnsafePointer<Float>, to y: UnsafeMutablePointer<Float>, count: Int) {
    pool.parallelRanges(count, unit: 1024) { range, _ in
      table.pointee.add(range.count, x + range.lowerBound, y + range.lowerBound)
    }
  }

  /// y = a + b.
  package func sum(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int,
    into y: UnsafeMutablePointer<Float>
  ) {
    pool.parallelRanges(count, unit: 1024) { range, _ in
      let at = range.lowerBound
      table.pointee.sum(range.count, a + at, b + at, y + at)
    }
  }

  /// Adds the rows of x [n, width] to the rows of y at `positions` [n].
  package func addRows(
    _ x: UnsafePointer<Float>, width: Int, to y: UnsafeMutablePointer<Float>, at positions: [Int]
  ) {
    pool.parallelRanges(positions.count, unit: 8) { range, _ in
      for row in range { table.pointee.add(width, x + row * width, y + positions[row] * width) }
    }
  }

  /// Cross-entropy in nats of each row of logits [tokens, vocabulary]; where `gradient`, the rows
  /// become d(loss)/d(logits).
  package func crossEntropy(
    _ logits: UnsafeMutablePointer<Float>, targets: UnsafePointer<Int32>, tokens: Int,
    vocabulary: Int, gradient: Bool, losses: UnsafeMutablePointer<Double>
  ) {
    pool.parallelFor(tokens) { t in
      precondition(0..<vocabulary ~= Int(targets[t]), "a target is a token of the vocabulary")
      losses[t] = table.pointee.cross_entropy(
        Int32(vocabulary), targets[t], logits + t * vocabulary, gradient ? 1 : 0)
    }
  }

  /// Row `row` of a matrix as fp32: an embedding. Of a quantized matrix: unscaled q - z.
  package func row(_ row: Int, of w: WeightMatrix, into out: UnsafeMutablePointer<Float>) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: Int(PEQA_PANEL)) { chunk in
      guard let base = chunk.baseAddress else { return }
      for column in stride(from: 0, to: w.columns, by: Int(PEQA_PANEL)) {
        withUnsafePointer(to: w.raw) {
          table.pointee.unpack_row($0, Int32(row), Int32(column), base)
        }
        (out + column).update(from: base, count: min(Int(PEQA_PANEL), w.columns - column))
      }
    }
  }
}
