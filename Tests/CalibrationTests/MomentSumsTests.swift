internal import Calibration
internal import Kernels
import Testing

@Suite struct MomentSumsTests {
  @Test func areTheSumsOfProducts() throws {
    let (columns, rows) = (300, 40)
    var random = SplitMix64(seed: 8)
    let x = FloatBuffer(count: rows * columns)
    for i in 0..<x.count { x.pointer[i] = Float(random.unitInterval()) - 0.5 }
    let sums = MomentSums(
      columns: columns, bits: MomentSums.bits(largest: 4, sequences: 2), threads: 2)
    let pool = WorkerPool(threads: 2)
    sums.add(x.pointer, rows: 25, of: 2, on: pool)
    sums.add(x.pointer + 25 * columns, rows: 15, of: 2, on: pool)
    #expect(!sums.hasOverflown)
    let matrix = sums.matrix()
    for (i, j) in [(0, 0), (3, 299), (299, 3), (256, 255), (280, 290)] {
      let expected = (0..<rows).reduce(0.0) {
        $0 + Double(x.pointer[$1 * columns + i]) * Double(x.pointer[$1 * columns + j])
      }
      // Products in fp32: 25 terms of at most 1/4, each off by 2^-24 of the sum.
      #expect(abs(matrix.pointer[i * columns + j] - expected) < 1e-5)
    }
  }

  @Test func noticesWhatDoesNotFit() {
    let x = FloatBuffer(count: 8)
    x.elements.update(repeating: 1e6)
    let sums = MomentSums(
      columns: 8, bits: MomentSums.bits(largest: 1e-6, sequences: 1), threads: 1)
    sums.add(x.pointer, rows: 1, of: 1, on: WorkerPool(threads: 1))
    #expect(sums.hasOverflown)
    x.pointer[0] = .nan
    let other = MomentSums(columns: 8, bits: 0, threads: 1)
    other.add(x.pointer, rows: 1, of: 1, on: WorkerPool(threads: 1))
    #expect(other.hasOverflown)
  }
}
