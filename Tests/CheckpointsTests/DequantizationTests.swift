import Checkpoints
import Foundation
import Kernels
import Testing

@Suite struct DequantizationTests {
  static let types = [
    "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL",
    "IQ4_XS", "F16", "BF16", "F64",
  ]

  /// Bit for bit what gguf-py makes of the same bytes.
  @Test(arguments: types) func golden(name: String) throws {
    let file = try GGUFFile(path: Fixture.path("reference.gguf"))
    let tensor = try file.requiredTensor(named: name)
    let golden = try file.requiredTensor(named: name + ".golden", shape: tensor.shape)
    #expect(tensor.type.name == name)
    let expected = file.bytes(of: golden).toBits()
    #expect(try file.floats(of: tensor).map(\.bitPattern) == expected)
    #expect(Set(expected).count >= 3)
  }

  /// Blocks may lie at any address.
  @Test(arguments: types) func unaligned(name: String) throws {
    let file = try GGUFFile(path: Fixture.path("reference.gguf"))
    let tensor = try file.requiredTensor(named: name)
    let expected = try file.floats(of: tensor).map(\.bitPattern)
    let shifted = [UInt8(0)] + file.bytes(of: tensor)
    var output = [Float](repeating: 0, count: expected.count)
    try shifted.withUnsafeBytes { bytes in
      try output.withUnsafeMutableBufferPointer {
        try tensor.type.dequantize(UnsafeRawBufferPointer(rebasing: bytes[1...]), into: $0)
      }
    }
    #expect(output.map(\.bitPattern) == expected)
  }

  @Test(arguments: types) func rowByRow(name: String) throws {
    let file = try GGUFFile(path: Fixture.path("reference.gguf"))
    let tensor = try file.requiredTensor(named: name)
    var rows: [Float] = []
    for row in 0..<tensor.rows {
      var part = [Float](repeating: 0, count: tensor.columns)
      try part.withUnsafeMutableBufferPointer {
        try file.readFloats(of: tensor, rows: row..<row + 1, into: $0)
      }
      rows += part
    }
    #expect(rows.map(\.bitPattern) == (try file.floats(of: tensor).map(\.bitPattern)))
  }

  @Test func integersAreNoWeights() {
    for type in ElementType.allCases where !type.isReal {
      #expect(throws: CheckpointError.self) {
        try type.dequantize(
          UnsafeRawBufferPointer(start: nil, count: 0),
          into: UnsafeMutableBufferPointer(start: nil, count: 0))
      }
    }
  }
}

@Suite struct ElementTypeTests {
  /// Block sizes of gguf-py's GGML_QUANT_SIZES.
  @Test(
    arguments: [
      (0, 1, 4), (1, 1, 2), (2, 32, 18), (3, 32, 20), (6, 32, 22), (7, 32, 24), (8, 32, 34),
      (10, 256, 84), (11, 256, 110), (12, 256, 144), (13, 256, 176), (14, 256, 210), (20, 32, 18),
      (23, 256, 136), (24, 1, 1), (25, 1, 2), (26, 1, 4), (27, 1, 8), (28, 1, 8), (30, 1, 2),
    ] as [(UInt32, Int, Int)])
  func ggml(code: UInt32, size: Int, bytes: Int) throws {
    let type = try #require(ElementType(ggmlCode: code))
    #expect(type.blockSize == size && type.blockBytes == bytes && type.ggmlCode == code)
  }

  @Test func namesTheUnsupported() throws {
    let error = #expect(throws: CheckpointError.self) {
      try GGUFFile(path: Fixture.path("hostile/unsupported-iq2_xxs.gguf"))
    }
    let text = try #require(error?.description)
    #expect(text.contains("unsupported type IQ2_XXS"))
    for name in [
      "F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q2_K", "Q3_K", "Q4_K", "Q5_K",
      "Q6_K", "IQ4_NL", "IQ4_XS",
    ] { #expect(text.contains(name)) }
  }

  @Test func byteCounts() {
    #expect(ElementType.q4_0.byteCount(elements: 64) == 36)
    #expect(ElementType.q4_0.byteCount(elements: 33) == nil)
    #expect(ElementType.f32.byteCount(elements: .max) == nil)
    #expect(ElementType.f32.byteCount(elements: -1) == nil)
  }
}

@Suite struct NumberFormatTests {
  /// All 65,536 halves against the language's own conversion.
  @Test func halfToFloat() {
    let wrong = (0...UInt16.max).filter { bits in
      let expected = Float(Float16(bitPattern: bits))
      let got = Float(halfBits: bits)
      return expected.isNaN ? !got.isNaN : got.bitPattern != expected.bitPattern
    }
    #expect(wrong.isEmpty)
  }

  @Test func bfloatRoundTrip() {
    let wrong = (0...UInt16.max).filter { bits in
      let value = BFloat16(bits: bits).float
      return value.isNaN ? !BFloat16(value).float.isNaN : BFloat16(value).bits != bits
    }
    #expect(wrong.isEmpty)
  }

  /// Nearest by distance in Double, ties to the even neighbour.
  @Test func bfloatRounding() {
    var random = SplitMix64(seed: 3)
    for trial in 0..<100_000 {
      // Every eighth value is a tie. Exponents up to 253 keep both neighbours finite.
      let exponent = UInt32.random(in: 0..<254, using: &random) << 23
      let fraction = UInt32.random(in: 0..<1 << 23, using: &random)
      var bits = exponent | fraction
      if trial % 8 == 0 { bits = bits & 0xFFFF_0000 | 0x8000 }
      let value = Float(bitPattern: bits)
      let low = UInt16(bits >> 16)
      let below = Double(value) - Double(BFloat16(bits: low).float)
      let above = Double(BFloat16(bits: low + 1).float) - Double(value)
      let expected = below < above || (below == above && low % 2 == 0) ? low : low + 1
      guard BFloat16(value).bits == expected, BFloat16(-value).bits == expected | 0x8000 else {
        Issue.record("\(value) rounds to \(BFloat16(value).bits), expected \(expected)")
        return
      }
    }
  }

  @Test func bfloatExtremes() {
    #expect(BFloat16(.infinity).float == .infinity)
    #expect(BFloat16(.greatestFiniteMagnitude).float == .infinity)
    #expect(BFloat16(Float(bitPattern: 0x7F80_0001)).float.isNaN)
    #expect(BFloat16(Float(bitPattern: 0xFFFF_FFFF)).float.isNaN)
    #expect(BFloat16(-0.0).bits == 0x8000)
  }
}

@Suite struct FiniteScanTests {
  @Test(arguments: [0, 1, 4095, 4096, 4097, 9999]) func findsTheFirst(position: Int) {
    var values = [Float](repeating: .greatestFiniteMagnitude, count: 10_000)
    #expect(values.withUnsafeBufferPointer { $0.firstNonFinite } == nil)
    values[position] = position % 2 == 0 ? .nan : -.infinity
    values[9999] = .infinity
    #expect(values.withUnsafeBufferPointer { $0.firstNonFinite } == position)
  }
}

extension UnsafeRawBufferPointer {
  func toBits() -> [UInt32] {
    (0..<count / 4).map { loadUnaligned(fromByteOffset: $0 * 4, as: UInt32.self) }
  }
}
