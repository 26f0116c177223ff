/// A vector of sums that come out the same, bit for bit, in any order and grouping of the addends.
///
/// Each addend is rounded once, to nearest even, to a whole multiple of a fixed step and kept as a
/// 64-bit integer; integer addition is associative, so threads, ranks and all-reduce algorithms
/// cannot show in the result. The sum of n addends is off by at most n/2 steps.
///
///     added by         step (least significant bit)     largest addend
///     `add`            2^-fractionBits                  2^(62 - fractionBits) / addends
///     `addDouble`      2^-scalarFractionBits            2^(62 - scalarFractionBits) / addends
///     `addInteger`     1                                2^62 / addends
///
/// With the defaults and 128 addends a gradient has a step of 9.1e-13 and a range of +-32768 an
/// addend, and a scalar (a sum of token losses) a step of 6.0e-8 and a range of +-2.1e9. A larger
/// addend is an error (`.outOfRange`) and so is a NaN; neither is ever wrapped or clamped. Because
/// every addend keeps to the bound, the total over all ranks cannot overflow either.
///
/// With `adaptive` elements the first of these have a step for each block of 256 in place of the
/// one above: see `ExactSum+Blocks`.
package struct ExactSum: ~Copyable {
  /// The integers, for an all-reduce in place.
  package let values: UnsafeMutableBufferPointer<Int64>
  package let fractionBits: Int
  package let scalarFractionBits: Int
  /// How many numbers will at most be added to one element, over all ranks.
  package let addends: Int

  /// Largest magnitude of one addend, in steps.
  let limit: Int64

  /// Elements from the first on that have a step for each block.
  package let adaptive: Int
  /// Fraction bits of these blocks.
  package var blockBits: [Int8]

  /// - Parameters:
  ///   - count: elements, scalars and integers included.
  ///   - addends: sequences in the global batch.
  ///   - adaptive: elements that have a step for each block; at first that of all others.
  package init(
    count: Int, fractionBits: Int = 40, scalarFractionBits: Int = 24, addends: Int,
    adaptive: Int = 0
  ) {
    precondition(count >= 0 && addends >= 1, "ExactSum: count and addends must be positive")
    precondition((0...count).contains(adaptive), "ExactSum: more adaptive elements than elements")
    precondition(
      (0...60).contains(fractionBits) && (0...60).contains(scalarFractionBits),
      "ExactSum: fraction bits must be in 0...60")
    values = .allocate(capacity: count)
    values.initialize(repeating: 0)
    self.fractionBits = fractionBits
    self.scalarFractionBits = scalarFractionBits
    self.addends = addends
    limit = (1 << 62) / Int64(addends)
    self.adaptive = adaptive
    blockBits = Array(
      repeating: Int8(fractionBits),
      count: (adaptive + Self.blockLength - 1) / Self.blockLength)
  }

  deinit { values.deallocate() }

  package mutating func reset() { values.update(repeating: 0) }

  /// Adds a number to element `index`, with the step of scalars.
  package mutating func addDouble(_ value: Double, at index: Int) throws(ExactSumError) {
    guard value.isFinite else { throw .notFinite(index: index, value: value) }
    let steps = (value * exponential(scalarFractionBits)).rounded(.toNearestOrEven)
    guard abs(steps) <= Double(limit), let integer = Int64(exactly: steps),
      integer.magnitude <= limit
    else {
      throw .outOfRange(
        index: index, value: value, limit: Double(limit) * exponential(-scalarFractionBits))
    }
    values[index] += integer
  }

  /// Adds a whole number to element `index`.
  package mutating func addInteger(_ value: Int64, at index: Int) throws(ExactSumError) {
    guard value.magnitude <= limit else {
      throw .outOfRange(index: index, value: Double(value), limit: Double(limit))
    }
    values[index] += value
  }

  /// The sum that `addDouble` collected at `index`.
  package func double(at index: Int) -> Double {
    Double(values[index]) * exponential(-scalarFractionBits)
  }

  /// The sum that `addInteger` collected at `index`.
  package func integer(at index: Int) -> Int64 { values[index] }
}

/// 2^exponent, exact.
func exponential(_ exponent: Int) -> Double {
  Double(sign: .plus, exponent: exponent, significand: 1)
}
