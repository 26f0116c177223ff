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
    var step = Step(bits: fractionBits, limit: limit)
    var start = 0
    while start < addend.count {
      let position = first + start
      let length = min(Self.blockLength - position % Self.blockLength, addend.count - start)
      let bits = bits(at: position)
      if bits != step.bits { step = Step(bits: bits, limit: limit) }
      let largest = largestMagnitude(source + start, length)
      if largest < step.narrow {
        addNarrow(source + start, length, step.scale, to: sums + position)
      } else if largest <= step.allowed.bitPattern {
        addWide(source + start, length, step.scale, to: sums + position)
      } else {
        throw fault(in: source + start, length, index: position, largest: step.allowed)
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
    var start = 0
    while start < floats.count {
      let position = first + start
      let length = min(Self.blockLength - position % Self.blockLength, floats.count - start)
      let step = exponential(-bits(at: position))
      for index in start..<(start + length) {
        target[index] = Float(Double(sums[first + index]) * step / divisor)
      }
      start += length
    }
  }

  private func fault(
    in source: UnsafePointer<Float>, _ count: Int, index: Int, largest: Float
  ) -> ExactSumError {
    for offset in 0..<count where !(abs(source[offset]) <= largest) {
      let value = Double(source[offset])
      return value.isFinite
        ? .outOfRange(index: index + offset, value: value, limit: Double(largest))
        : .notFinite(index: index + offset, value: value)
    }
    preconditionFailure("ExactSum: a block was refused without a faulty element")
  }
}

/// What adding with one step needs.
private struct Step {
  let bits: Int
  let scale: Double
  /// Largest float whose steps keep to the limit.
  let allowed: Float
  /// Bits of the float from which on `addWide` is needed. Below 2^51 steps the integer can be read
  /// from the bits of a double, two at a time on any x86-64; conversion instructions for 64-bit
  /// integers are scalar before AVX-512.
  let narrow: UInt32

  init(bits: Int, limit: Int64) {
    self.bits = bits
    scale = exponential(bits)
    let nearest = Float(Double(limit) * exponential(-bits))
    let steps = (Double(nearest) * scale).rounded(.toNearestOrEven)
    allowed = steps <= Double(limit) && Int64(steps) <= limit ? nearest : nearest.nextDown
    narrow = min(allowed, Float(exponential(min(51 - bits, 127)))).bitPattern
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
