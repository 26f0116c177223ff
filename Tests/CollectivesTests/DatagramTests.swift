import Collectives
import Testing

@Suite struct DatagramTests {
  private let key = DatagramKey()

  private func opened(_ bytes: [UInt8], _ key: DatagramKey) -> Datagram? {
    bytes.withUnsafeBytes { Datagram(opening: $0, with: key) }
  }

  /// Input 00 01 02 ... under the key 00 01 ... 0f, by length: `vectors_sip128` of the authors'
  /// code.
  @Test(arguments: [
    (0, "a3817f04ba25a8e66df67214c7550293"), (1, "da87c1d86b99af44347659119b22fc45"),
    (2, "8177228da4a45dc7fca38bdef60affe4"), (7, "a1f1ebbed8dbc153c0b84aa61ff08239"),
    (8, "3b62a9ba6258f5610f83e264f31497b4"), (63, "5150d1772f50834a503e069a973fbd7c"),
  ])
  func sipHashIsThatOfItsAuthors(length: Int, expected: String) {
    let hash = SipHash(key: (0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908))
    let code = (0..<length).map { UInt8($0) }.withUnsafeBytes { hash.hash($0) }
    let text = [code.0, code.1].map { word in
      (0..<8).map { place in
        let digits = String(word >> (8 * UInt64(place)) & 0xff, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
      }.joined()
    }
    #expect(text.joined() == expected)
  }

  @Test(arguments: Datagram.Kind.allCases)
  func comesBack(kind: Datagram.Kind) {
    let everyone = Datagram(
      kind, from: 70_000, sequence: .max, -1, .max, .min, text: "step 120, rückwärts")
    #expect(opened(everyone.sealed(with: key), key) == everyone)
    let one = Datagram(kind, from: 0, to: 3, sequence: 1, 0, 0, 0)
    #expect(opened(one.sealed(with: key), key) == one)
  }

  /// Anybody may send anything to an open port: what no holder of the key has made is dropped.
  @Test func dropsEverythingElse() {
    let good = Datagram(.pulse, from: 1, sequence: 1, 2, 3, 4, text: "abc").sealed(with: key)
    #expect(opened(good, key) != nil)
    for length in 0..<good.count { #expect(opened(Array(good[..<length]), key) == nil) }
    #expect(opened(good + [0], key) == nil)
    for place in good.indices {
      for bit in 0..<8 {
        var bad = good
        bad[place] ^= 1 << bit
        #expect(opened(bad, key) == nil, "bit \(bit) of byte \(place)")
      }
    }
    #expect(opened(good, DatagramKey()) == nil)
    let long = Datagram(
      .pulse, from: 1, sequence: 1, 2, 3, 4, text: .init(repeating: "x", count: 999))
    #expect(opened(long.sealed(with: key), key)?.text.count == 255)
  }
}
