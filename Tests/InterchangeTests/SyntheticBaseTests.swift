internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import Interchange
internal import Kernels
internal import Quantization
import Testing

@Suite struct SyntheticBaseTests {
  /// Widths that are no multiples of 64 (padded rows), shared key heads, several blocks.
  static func config(layers: Int = 3, tied: Bool = false) -> DecoderConfig {
    DecoderConfig(
      vocabularySize: 300, hiddenSize: 96, intermediateSize: 200, layerCount: layers, headCount: 6,
      keyValueHeadCount: 2, headSize: 16, tiedEmbeddings: tied)
  }

  static func write(
    _ config: DecoderConfig, bits: Int, group: Int, seed: Int = 42, to path: String
  ) throws -> BaseManifest {
    try SyntheticBase(
      name: "tiny", config: config,
      settings: QuantizationSettings(bits: bits, groupSize: group), seed: seed
    ).write(to: path)
  }

  /// The shapes' oracle: trained scales a row as the paper and method notes publish them.
  @Test(arguments: [
    ("llama-7b", 1_359_872), ("llama-13b", 2_129_920), ("llama-30b", 4_147_200),
    ("llama-65b", 6_799_360), ("smollm2-135m", 155_520),
  ])
  func presetsHaveThePublishedNumberOfScales(name: String, scales: Int) throws {
    let config = try #require(DecoderConfig.preset(named: name))
    #expect(config.inconsistencies().isEmpty)
    let rows = LinearKind.allCases.reduce(0) { $0 + config.shape(of: $1).rows }
    #expect(rows * config.layerCount == scales)
  }

  /// 65B at 3 bits, in the paper 25.35 GB: codes, scales, zero points and F16 vocabulary matrices.
  /// The paper counts a row's scale with 16 bits and no zero points; 0.5 % covers the rest.
  @Test func sizeIsThePapers() throws {
    let config = try #require(DecoderConfig.preset(named: "llama-65b"))
    let base = try SyntheticBase(
      name: "llama-65b", config: config, settings: QuantizationSettings(bits: 3, groupSize: -1))
    #expect(abs(Double(base.byteCount) / 25.35e9 - 1) < 0.005)
  }

  @Test(arguments: [(2, -1), (3, 64), (4, -1), (4, 32), (8, 128)])
  func opensAndComputesFiniteNumbersOfOrderOne(bits: Int, group: Int) throws {
    try Scratch.withFolder { folder in
      // Deep, because unsound scales show by growth from block to block.
      let config = Self.config(layers: 24)
      let manifest = try Self.write(config, bits: bits, group: group, to: folder + "/base")
      let model = try LoadedModel.open(folder + "/base")
      let base = try model.requiredBase()
      try base.verifyDigest()
      #expect(base.config == config)
      #expect(base.manifest == manifest)
      let decoder = Decoder(
        config: config, weights: model.weights,
        compute: Compute(pool: WorkerPool(threads: 1), precision: .fp32))
      let tokens = (0..<40).map { Int32($0 * 7 % 300) }
      let losses = try decoder.tokenLosses(tokens, targets: tokens.dropFirst() + [-1])
      // Logits of variance v about 1 and random targets: mean loss ln(300) + v / 2 = 6.2. The mean
      // of 39 has a deviation near 0.2; logits that had grown tenfold would give 50.
      let mean = losses.reduce(0, +) / Double(losses.count)
      #expect(losses.allSatisfy { $0.isFinite })
      #expect((5.0...7.5).contains(mean), "mean loss \(mean)")
    }
  }

  /// Mean 0 and variance 1 / I of the weights, from their definition, not from how they are made:
  /// with 96 x 96 weights and scales spread over +-25 % (mean square 1.02) within 10 %.
  @Test(arguments: [2, 3, 4, 8]) func weightsHaveThePromisedVariance(bits: Int) throws {
    try Scratch.withFolder { folder in
      _ = try Self.write(Self.config(), bits: bits, group: 32, to: folder + "/base")
      let base = try QuantizedBase(path: folder + "/base")
      let linear = base.linear(.query, layer: 1)
      let matrix = try #require(linear.matrix)
      #expect(linear.layout.offset == .zeros)
      let zeros = linear.offsets
      var (sum, squares) = (0.0, 0.0)
      let layout = linear.layout
      for row in 0..<layout.rows {
        var codes = [UInt8](repeating: 0, count: layout.columns)
        let bytes = (row * layout.rowStride)..<((row + 1) * layout.rowStride)
        codes.withUnsafeMutableBufferPointer {
          PackedCodes.unpack(
            UnsafeRawBufferPointer(rebasing: linear.codes[bytes]), bits: bits, into: $0)
        }
        // The row again from its codes alone: padding must be zero bits.
        var again = [UInt8](repeating: 0xFF, count: layout.rowStride)
        codes.withUnsafeBufferPointer { codes in
          again.withUnsafeMutableBytes { PackedCodes.pack(codes, bits: bits, into: $0) }
        }
        #expect(again == Array(linear.codes[bytes]))
        for (column, code) in codes.enumerated() {
          let group = column / layout.groupSize
          let weight =
            Double(matrix.effectiveScale(row: row, group: group))
            * Double(Int(code) - Int(zeros[row * layout.groups + group]))
          sum += weight
          squares += weight * weight
        }
      }
      let count = Double(layout.rows * layout.columns)
      let deviation = (1 / 96.0).squareRoot()
      #expect(abs(sum / count) < 0.1 * deviation)
      #expect(abs(squares / count * 96 - 1) < 0.1)
      withExtendedLifetime(base) {}
    }
  }

  @Test func bytesDependOnSeedAndShapeOnly() throws {
    try Scratch.withFolder { folder in
      let config = Self.config(tied: true)
      let first = try Self.write(config, bits: 4, group: -1, to: folder + "/a")
      let again = try Self.write(config, bits: 4, group: -1, to: folder + "/b")
      let other = try Self.write(config, bits: 4, group: -1, seed: 43, to: folder + "/c")
      #expect(first == again)
      #expect(first.baseDigest != other.baseDigest)
      // Every machine makes these bytes.
      #expect(
        first.baseDigest == "99aca89b0bbaa54c35b45a470851457f4e09b15bff5d5d50a93e3b84163a6d04")
      let job = try SyntheticBase(
        name: "tiny", config: config, settings: QuantizationSettings(bits: 4, groupSize: -1))
      #expect(job.isAlready(at: folder + "/a"))
      #expect(!job.isAlready(at: folder + "/c"))
      #expect(!job.isAlready(at: folder + "/none"))
    }
  }

  @Test func cancellingLeavesNothing() throws {
    try Scratch.withFolder { folder in
      var asked = 0
      let job = try SyntheticBase(
        name: "tiny", config: Self.config(), settings: QuantizationSettings())
      #expect(throws: QuantizationError.cancelled) {
        _ = try job.write(
          to: folder + "/base",
          isCancelled: {
            asked += 1
            return asked > 5
          })
      }
      let left = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(left.isEmpty)
    }
  }

  @Test func refusesToReplaceAndBadSettings() throws {
    try Scratch.withFolder { folder in
      _ = try Self.write(Self.config(), bits: 4, group: -1, to: folder + "/base")
      #expect(throws: CheckpointError.self) {
        try Self.write(Self.config(), bits: 4, group: -1, to: folder + "/base")
      }
      #expect(throws: QuantizationError.self) {
        try Self.write(Self.config(), bits: 5, group: -1, to: folder + "/other")
      }
    }
  }
}
