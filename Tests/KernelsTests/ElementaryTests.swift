import Glibc
import Kernels
import Testing

/// Against the C library, whose results are within 1 unit of the last place (glibc's manual,
/// "Errors in Math Functions"): ours may be 2 units off, so 3 apart, and `pow` 2 + |y log x| units.
@Suite struct ElementaryTests {
  /// Numbers of a range, evenly spread and none of them round.
  private static func numbers(_ range: ClosedRange<Double>, count: Int = 20_000) -> [Double] {
    (0..<count).map { index in
      let share = (Double(index) * 0.6180339887498949).truncatingRemainder(dividingBy: 1)
      return range.lowerBound + share * (range.upperBound - range.lowerBound)
    }
  }

  private func compare(
    _ name: String, _ numbers: [Double], units: (Double) -> Double = { _ in 3 },
    _ own: (Double) -> Double, _ library: (Double) -> Double
  ) {
    let worst = numbers.max { error($0, own, library) < error($1, own, library) } ?? 0
    for x in numbers where error(x, own, library) > units(x) {
      Issue.record("\(name)(\(x)) is \(own(x)), not \(library(x))")
      return
    }
    #expect(error(worst, own, library) <= units(worst))
  }

  /// In units of the last place.
  private func error(
    _ x: Double, _ own: (Double) -> Double, _ library: (Double) -> Double
  ) -> Double {
    let want = library(x)
    return abs(own(x) - want) / want.ulp
  }

  @Test func exponentials() {
    let numbers = Self.numbers(-745...709.7) + Self.numbers(-1...1) + [0, -0.0, 709.78, -708.4]
    compare("exp", numbers, Elementary.exp, { Glibc.exp($0) })
    #expect(Elementary.exp(710) == .infinity && Elementary.exp(-746) == 0)
    #expect(Elementary.exp(-.infinity) == 0 && Elementary.exp(.nan).isNaN)
  }

  @Test func logarithms() {
    let numbers =
      Self.numbers(1e-9...1) + Self.numbers(0.5...2) + Self.numbers(1...1e9)
      + [.leastNonzeroMagnitude, .leastNormalMagnitude.nextDown, .greatestFiniteMagnitude]
      + [1, 1.0.nextUp, 1.0.nextDown]
    compare("log", numbers, Elementary.log, { Glibc.log($0) })
    #expect(Elementary.log(0) == -.infinity && Elementary.log(.infinity) == .infinity)
    #expect(Elementary.log(-1).isNaN && Elementary.log(.nan).isNaN)
  }

  /// Angles of rotary embeddings reach the context length. Near a zero an angle's last bit is worth
  /// more than the result's: errors are counted in units of numbers between 1/2 and 1 there.
  @Test func sinesAndCosines() {
    for range in [-7.0...7.0, 0...131_072, 0...1_600_000] {
      let pairs: [((Double) -> Double, (Double) -> Double)] = [
        (Elementary.sin, { Glibc.sin($0) }), (Elementary.cos, { Glibc.cos($0) }),
      ]
      for (own, library) in pairs {
        for x in Self.numbers(range) {
          #expect(abs(own(x) - library(x)) <= 3 * max(library(x).ulp, 0x1p-54), "\(x)")
        }
      }
    }
    #expect(Elementary.sin(0) == 0 && Elementary.cos(0) == 1)
    #expect(Elementary.sin(.infinity).isNaN && Elementary.cos(.nan).isNaN)
  }

  @Test func powers() {
    for theta in [1e4, 5e5, 1e6] {
      let (own, library) = ({ Elementary.pow(theta, $0) }, { Glibc.pow(theta, $0) })
      compare("pow", Self.numbers(-1...0), units: { 3 + abs($0) * 14 }, own, library)
    }
    for base in [0.9, 0.95, 0.999] {
      // A rounding of half a unit a multiplication, at most 2 log2 n of them, each doubled by the
      // squares that follow: below 2 n units.
      for n in [0, 1, 2, 3, 10, 100, 1000] {
        let want = Glibc.pow(base, Double(n))
        #expect(abs(Elementary.power(base, n) - want) <= Double(2 * n) * want.ulp)
      }
    }
  }
}
