internal import CKernels

// What stands between the linear layers; rows are cut among the threads.
extension Compute {
  /// y = norm of x [tokens, norm.width] row by row; keeps in `statistics` what the backward pass
  /// needs, and only that without a y.
  package func normalize(
    _ x: UnsafePointer<Float>, _ norm: Norm, tokens: Int, into y: UnsafeMutablePointer<Float>?,
    statistics: UnsafeMutablePointer<Float>
  ) {
    normalize(x, norm, tokens: tokens, into: y, rounded: nil, statistics: statistics)
  }

  /// As above, and the rows as bf16 [tokens, width padded to an even count] where `rounded`.
  func normalize(
    _ x: UnsafePointer<Float>, _ norm: Norm, tokens: Int, into y: UnsafeMutablePointer<Float>?,
    rounded: UnsafeMutablePointer<UInt16>?, statistics: UnsafeMutablePointer<Float>
  ) {
    let (width, padded) = (norm.width, norm.width + norm.width % 2)
    pool.parallelRanges(tokens, unit: 8) { range, _ in
      let at = range.lowerBound
      let (rows, out) = (x + at * width, y.map { $0 + at * width })
      let copy = rounded.map { $0 + at * padded }
      switch norm.kind {
      case .rms:
        table.pointee.rms_norm(
          Int32(range.count), Int32(width), norm.epsilon, rows, norm.weight, out, copy,
          statistics + at)
      case .layer:
        table.pointee.layer_norm(
          Int32(range.count), Int32(width), norm.epsilon, rows, norm.weight, norm.bias, out, copy,
          statistics + tokens + at, statistics + at)
      }
    }
  }

  /// dx += the gradient through `normalize`.
  package func normalizeBackward(
    _ x: UnsafePointer<Float>, _ norm: Norm, statistics: UnsafePointer<Float>,
    dy: UnsafePointer<Float>, tokens: Int, addingTo dx: UnsafeMutablePointer<Float>
  ) {
    let width = norm.width
    pool.parallelRanges(tokens, unit: 8) { range, _ in
      let at = range.lowerBound
      switch norm.kind {
      case .rms:
        table.pointee.rms_norm_backward(
          Int32(range.count), Int32(width), x + at * width, norm.weight, statistics + at,
          dy + at * width, dx + at * width)
      case .layer:
        table.pointee.layer_norm_backward(
          Int32(range.count), Int32(width), x + at * width, norm.weight,
          statistics + tokens + at, statistics + at, dy + at * width, dx + at * width)
      }
    }
  }

  /// Turns the first `rotated` numbers of every head of x [tokens, heads * headSize] by its
  /// position; `cosine` and `sine` are [tokens, rotated / 2]. `backward` turns the other way. May
  /// work in place.
  package func rope(
    _ x: UnsafePointer<Float>, tokens: Int, heads: Int, headSize: Int, rotated: Int,
    cosine: UnsafePointer<Float>, sine: UnsafePointer<Float>, backward: Bool = false,
    into y: UnsafeMutablePointer<Float>
  ) {
    let (width, half) = (heads * headSize, rotated / 2)
    pool.parallelRanges(tokens, unit: 8) { range, _ in
      let at = range.lowerBound
      table.pointee.rope(
        Int32(range.count), Int32(heads), Int32(headSize), Int32(rotated), cosine + at * half,
        sine + at * half, backward ? -1 : 1, x + at * width, y + at * width)
    }
  }

  /// h = f(gate) * up, or f(gate) without an up.
  package func activate(
    _ f: Activation, gate: UnsafePointer<Float>, up: UnsafePointer<Float>?, count: Int,
    into h: UnsafeMutablePointer<Float>
  ) {
    pool.parallelRanges(count, unit: 1024) { range, _ in
      let at = range.lowerBound
      table.pointee.activate(
        f.raw, range.count, gate + at, up.map { $0 + at }, h + at, nil)
    }
  }

  /// dgate, and dup where there is an up, from dh; they may overwrite gate and up.
  package func activateBackward(
    _ f: Activation, gate: UnsafePointer<Float>, up: UnsafePointer<Float>?,
    dh: UnsafePointer<Float>, count: Int, dgate: UnsafeMutablePointer<Float>,
    dup: UnsafeMutablePointer<Float>?
  ) {
    pool.parallelRanges(count, unit: 1024) { range, _ in
      let at = range.lowerBound
      table.pointee.activate_backward(
        f.raw, range.count, gate + at, up.map { $0 + at }, dh + at, dgate + at,
        dup.map { $0 + at })
    }
  }

  /// y [tokens, width] = x + the same numbers b [width] for every token; may work in place.
  package func addBias(
    _ b: UnsafePointer<Float>, width: Int, to x: UnsafePointer<Float>, tokens: Int,
    into y: UnsafeMutablePointer<Float>
  ) {
    pool.parallelRanges(tokens, unit: 8) { range, _ in
      for t in range { table.pointee.sum(width, x + t * width, b, y + t * width) }
    }
  }

  /// x becomes factor * x.
  package func scale(_ x: UnsafeMutablePointer<Float>, by factor: Float, count: Int) {
    for i in 0..<count { x[i] *= factor }
  }

  /// x becomes cap * tanh(x / cap).
  package func cap(_ x: UnsafeMutablePointer<Float>, at cap: Float, count: Int) {
    pool.parallelRanges(count, unit: 1024) { range, _ in
      table.pointee.soft_cap(range.count, 1, cap, x + range.lowerBound, nil)
    }
  }

  /// softmax over `count` of x [tokens, width] times rows [count, width]: what a router says. In
  /// fp32, and the same bits whatever tokens are beside one.
  package func probabilities(
    _ x: UnsafePointer<Float>, rows: UnsafePointer<Float>, count: Int, width: Int, tokens: Int,
    into p: UnsafeMutablePointer<Float>
  ) {
    pool.parallelRanges(tokens, unit: 8) { range, _ in
      for t in range {
        for row in 0..<count {
          p[t * count + row] = table.pointee.dot(
            Int32(width), x + t * width, rows + row * width)
        }
        _ = table.pointee.softmax(Int32(count), Int32(count), 1, p + t * count)
      }
    }
  }

  package func dot(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, count: Int
  ) -> Float {
    table.pointee.dot(Int32(count), a, b)
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
  /// become d(loss)/d(logits). Logits that went through `cap` get the gradient of what was before.
  package func crossEntropy(
    _ logits: UnsafeMutablePointer<Float>, targets: UnsafePointer<Int32>, tokens: Int,
    vocabulary: Int, cap: Float? = nil, gradient: Bool, losses: UnsafeMutablePointer<Double>
  ) {
    pool.parallelFor(tokens) { t in
      precondition(0..<vocabulary ~= Int(targets[t]), "a target is a token of the vocabulary")
      losses[t] = table.pointee.cross_entropy(
        Int32(vocabulary), targets[t], cap ?? 0, logits + t * vocabulary, gradient ? 1 : 0)
    }
  }

  /// Row `row` of a matrix as fp32, in the order of its input: an embedding.
  package func row(_ row: Int, of w: WeightMatrix, into out: UnsafeMutablePointer<Float>) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: Int(PEQA_PANEL)) { chunk in
      guard let base = chunk.baseAddress else { return }
      for column in stride(from: 0, to: w.columns, by: Int(PEQA_PANEL)) {
        withUnsafePointer(to: w.raw) {
          table.pointee.unpack_row($0, Int32(row), Int32(column), base)
        }
        (out + column).update(from: base, count: min(Int(PEQA_PANEL), w.columns - column))
      }
      guard w.isQuantized else { return }
      let size = Int(w.raw.group_size)
      for group in 0..<w.groups {
        let scale = w.effectiveScale(row: row, group: group)
        for column in group * size..<min(w.columns, (group + 1) * size) { out[column] *= scale }
      }
      guard let order = w.order else { return }
      withUnsafeTemporaryAllocation(of: Float.self, capacity: w.columns) { copy in
        for column in 0..<w.columns { copy[column] = out[column] }
        for column in 0..<w.columns { out[Int(order[column])] = copy[column] }
      }
    }
  }
}
