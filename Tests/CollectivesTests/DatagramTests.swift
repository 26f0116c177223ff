import Collectives
import Testing

@Suite struct DatagramTests {
  private func parsed(_ bytes: [UInt8]) -> Datagram? { bytes.withUnsafeBytes { Datagram($0) } }

  @Test(arguments: Datagram.Kind.allCases)
  func comesBack(kind: Datagram.Kind) throws {
    let sent = Datagram(
      kind, run: .max - 5, rank: 70_000, -1, .max, .min, text: "step 120, rückwärts")
    let received = try #require(parsed(sent.bytes))
    #expect(received.kind == kind)
    #expect((received.run, received.rank) == (.max - 5, 70_000))
    #expect(received.numbers == (-1, .max, .min))
    #expect(received.text == "step 120, rückwärts")
  }

  /// Anybody may send anything to an open port: what is not of the form is dropped.
  @Test func dropsEverythingElse() {
    let good = Datagram(.pulse, run: 7, rank: 1, 2, 3, 4, text: "abc").bytes
    #expect(parsed(good) != nil)
    for length in 0..<good.count { #expect(parsed(Array(good[..<length])) == nil) }
    #expect(parsed(good + [0]) == nil)
    for place in 0..<5 {
      var bad = good
      bad[place] ^= 0x80
      #expect(parsed(bad) == nil, "byte \(place)")
    }
    let long = Datagram(.pulse, run: 7, rank: 1, 2, 3, 4, text: String(repeating: "x", count: 999))
    #expect(parsed(long.bytes)?.text.count == 255)
  }
}
