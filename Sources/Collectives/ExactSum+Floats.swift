extension ExactSum {
  /// Adds `addend[i]` to element `first + i`.
  ///
  /// On an error nothing of the faulty block of 256 and of later ones has been added: reset before
  /// use.
  ///
  /// - Throws: `.notFinite` or `.outOfRange` with the first faulty element.
  package mutating func add(
    _ addend: UnsafeBufferPointer<Float>, at first: Int = 0
  ) throws(ExactSumError) {
    precondition(
      first >= 0 && addend.count <= values.count - first, "ExactSum: more floats than elements")
    guard let source = addend.baseAddress, let sums = values.baseAddress else { return }
    let (scale, allowed) = (exponential(fractionBits), largestFloat.bitPattern)
    // Below 2^51 steps the integer can be read from the bits of a double, two at a time on any
    // x86-64; conversion instructions for 64-bit integers are scalar before AVX-512.
    let narrow = min(allowed, Float(exponential(min(51 - fractionBits, 127))).bitPattern)
    var start = 0
    while start < addend.count {
      let length = min(256, addend.count - start)
      let largest = largestMagnitude(source + start, length)
      if largest < narrow {
        addNarrow(source + start, length, scale, to: sums + first + start)
      } else if largest <= allowed {
        addWide(source + start, length, scale, to: sums + first + start)
      } else {
        throw fault(in: source + start, length, index: first + start)
      }
      start += length
    }
  }

  /// Writes the sums of the elements from `first` on, each divided by `divisor`, as floats.
  ///
  /// The division is in Double; every step is rounded to nearest even, so equal sums give equal
  /// bits.
  package func write(
    from first: Int = 0, to floats: UnsafeMutableBufferPointer<Float>, dividedBy divisor: Double = 1
  ) {
    precondition(
      first >= 0 && floats.count <= values.count - first, "ExactSum: more floats than elements")
    guard let target = floats.baseAddress, let sums = values.baseAddress else { return }
    let step = exponential(-fractionBits)
    for index in 0..<floats.count {
      target[index] = Float(Double(sums[first + index]) * step / divisor)
    }
  }

  /// Largest float whose steps keep to `limit`.
  private var largestFloat: Float {
    let nearest = Float(Double(limit) * exponential(-fractionBits))
    let steps = Int64((Double(nearest) * exponential(fractionBits)).rounded(.toNearestOrEven))
    return steps <= limit ? nearest : nearest.nextDown
  }

  private func fault(
    in source: UnsafePointer<Float>, _ count: Int, index: Int
  ) -> ExactSumError {
    let largest = largestFloat
    for offset in 0..<count where !(abs(source[offset]) <= largest) {
      let value = Double(source[offset])
      return value.isFinite
        ? .outOfRange(index: index + offset, value: value, limit: Double(largest))
        : .notFinite(index: index + offset, value: value)
    }
    preconditionFailure("ExactSum: a block was refused without a faulty element")
  }
}

/// The bits of the largest magnitude; those of NaN and infinity are larger than any number's.
private func largestMagnitude(_ source: UnsafePointer<Float>, _ count: Int) -> UInt32 {
  var largest: Int32 = 0
  for index in 0..<count {
    largest = max(largest, Int32(bitPattern: source[index].bitPattern & 0x7fff_ffff))
  }
  return UInt32(bitPattern: largest)
}

/// 1.5 * 2^52: a double near it has a step of 1, so adding it rounds to a whole number, ties to
/// even.
private let rounder = 0x1.8p52

/// For magnitudes below 2^51 steps: the low bits of `steps + rounder` are the integer.
private func addNarrow(
  _ source: UnsafePointer<Float>, _ count: Int, _ scale: Double,
  to sums: UnsafeMutablePointer<Int64>
) {
  let zero = Int64(bitPattern: rounder.bitPattern)
  for index in 0..<count {
    let bits = Int64(bitPattern: (Double(source[index]) * scale + rounder).bitPattern)
    sums[index] &+= bits &- zero
  }
}

/// For any magnitude. A float has 24 significant bits, so from 2^24 steps on it is whole, and the
/// sum with `rounder`, a multiple of 2^51, needs no more than 53: adding and taking away is exact
/// there.
private func addWide(
  _ source: UnsafePointer<Float>, _ count: Int, _ scale: Double,
  to sums: UnsafeMutablePointer<Int64>
) {
  for index in 0..<count {
    let steps = (Double(source[index]) * scale + rounder) - rounder
    sums[index] &+= Int64(steps)
  }
}
