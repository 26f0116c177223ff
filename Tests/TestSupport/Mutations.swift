package import Kernels

extension [UInt8] {
  /// Flips bits, cuts, repeats, inserts and swaps stretches.
  package func mutated(_ generator: inout SplitMix64) -> [UInt8] {
    var bytes = self
    for _ in 0..<Int.random(in: 1...3, using: &generator) where !bytes.isEmpty {
      let at = Int.random(in: 0..<bytes.count, using: &generator)
      let end = Swift.min(bytes.count, at + Int.random(in: 1...16, using: &generator))
      switch Int.random(in: 0..<6, using: &generator) {
      case 0: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      case 1: bytes.removeSubrange(at..<end)
      case 2: bytes.insert(contentsOf: bytes[at..<end], at: at)
      case 3: bytes[at] = UInt8.random(in: 0...255, using: &generator)
      case 4:
        bytes.insert(contentsOf: Array("\"{[%}]:,-9".utf8.shuffled(using: &generator)), at: at)
      default:
        bytes.removeLast(Swift.min(bytes.count, 1 << Int.random(in: 0..<12, using: &generator)))
      }
    }
    return bytes
  }
}
