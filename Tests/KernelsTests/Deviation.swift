/// Half a unit in the last place of an fp32 number, relative: an operation rounds by so much.
let unit = 0x1p-24

/// The worst of many results, measured in what its error bound allows.
struct Deviation: CustomStringConvertible {
  private(set) var ratio = 0.0
  private var place = ""

  /// True where every result lies within its bound; false for a NaN.
  var isAllowed: Bool { ratio <= 1 }
  var description: String { "\(ratio) times the allowed error \(place)" }

  init() {}

  init(_ got: [Float], _ want: [Double], allowing bounds: [Double]) {
    precondition(got.count == want.count && got.count == bounds.count, "as many as expected")
    for index in got.indices { note(Double(got[index]), want[index], bounds[index], index) }
  }

  mutating func note(_ got: Double, _ want: Double, _ bound: Double, _ index: Int) {
    if got == want { return }
    let error = abs(got - want)
    let here = error.isNaN ? .infinity : error / max(bound, .leastNonzeroMagnitude)
    guard here > ratio else { return }
    ratio = here
    place = "at \(index): \(got) for \(want), allowed \(bound)"
  }
}

/// bf16(x), rounded to nearest even by arithmetic: 8 significant bits. For normal numbers.
func roundedToBF16(_ x: Float) -> Float {
  if x == 0 || !x.isFinite { return x }
  let step = Float(sign: .plus, exponent: x.exponent - 7, significand: 1)
  return (x / step).rounded(.toNearestOrEven) * step
}

/// Rows of a and rows of b, multiplied pairwise: [m, n], with the sum of magnitudes beside.
struct Products {
  var values: [Double]
  var magnitudes: [Double]

  /// a [m, depth], b [n, depth].
  init(_ a: [Double], _ b: [Double], m: Int, n: Int, depth: Int) {
    values = .init(repeating: 0, count: m * n)
    magnitudes = values
    a.withUnsafeBufferPointer { a in
      b.withUnsafeBufferPointer { b in
        for i in 0..<m {
          for j in 0..<n {
            var (sum, size) = (0.0, 0.0)
            for k in 0..<depth {
              let product = a[i * depth + k] * b[j * depth + k]
              sum += product
              size += abs(product)
            }
            values[i * n + j] = sum
            magnitudes[i * n + j] = size
          }
        }
      }
    }
  }
}

/// x [rows, columns] as [columns, rows].
func transposed<T>(_ x: [T], rows: Int, columns: Int) -> [T] {
  (0..<columns).flatMap { column in (0..<rows).map { x[$0 * columns + column] } }
}
