import DecoderModel
import Foundation
import Kernels
import Quantization
import Testing

/// The list of buffers against a real pass: every buffer is filled with a mark, and a second pass
/// shows what it writes.
@Suite struct PassMemoryTests {
  /// A NaN that no kernel makes.
  private static let mark: UInt32 = 0x7fc1_d05e

  struct Case: CustomStringConvertible, Sendable {
    let base: String
    let precision: Precision
    let granularity: ScaleGranularity
    let recomputing: Bool
    let sequences: Int
    var zeroPoints = false
    var multipliesIntegers = false

    var description: String {
      "\(base) \(precision) \(granularity) recomputing \(recomputing) x \(sequences)"
        + (zeroPoints ? " with zero points" : "") + (multipliesIntegers ? " int8" : "")
    }
  }

  static let cases = Precision.allCases.flatMap { precision in
    [
      ("llama_4bit_row", .row), ("llama_3bit_g32", .row), ("llama_3bit_g32", .group),
      ("llama_3bit_g32", .rowAndColumn), ("qwen2_4bit_g32", .group), ("mistral_4bit_row", .row),
      ("qwen3_4bit_row", .row), ("qwen3_4bit_g32", .group),
      // Parallel branches, biases and no gate; norms behind branches and caps; norms behind sums
      // and a narrower embedding; norms of all heads; experts.
      ("gptj_4bit_row", .row), ("gpt_neox_4bit_g32", .group), ("gemma2_4bit_row", .row),
      ("gemma3_text_4bit_g32", .group), ("opt350_4bit_g32", .row), ("opt350_4bit_g32", .group),
      ("olmo2_4bit_g32", .group), ("mixtral_4bit_row", .row), ("qwen3_moe_4bit_g32", .group),
    ].flatMap { (base: String, granularity: ScaleGranularity) in
      [(true, 1), (false, 2)].map {
        Case(
          base: base, precision: precision, granularity: granularity, recomputing: $0.0,
          sequences: $0.1)
      }
    }
      + [
        Case(
          base: "llama_4bit_row", precision: precision, granularity: .row, recomputing: true,
          sequences: 2, zeroPoints: true),
        Case(
          base: "gemma2_4bit_row", precision: precision, granularity: .row, recomputing: false,
          sequences: 1, zeroPoints: true),
        Case(
          base: "llama_3bit_g32", precision: precision, granularity: .group, recomputing: true,
          sequences: 2, zeroPoints: true),
      ]
  }

  static let integerCases = cases.compactMap { one -> Case? in
    let isChosen = ["llama", "mistral", "opt350", "mixtral"].contains {
      one.base.hasPrefix($0)
    }
    var one = one
    one.multipliesIntegers = true
    return isChosen ? one : nil
  }

  @Test(arguments: cases + integerCases)
  func trainingWritesWhatIsListed(_ one: Case) throws {
    let golden = try Golden(one.base)
    let decoder = try makeDecoder(
      golden.directory, one.precision, multipliesIntegers: one.multipliesIntegers)
    let base = try QuantizedBase(path: golden.directory)
    decoder.recomputesProducts = one.recomputing
    let training = ScaleTraining(one.granularity, zeroPoints: one.zeroPoints)
    let scales = TrainableScales(weights: decoder.weights, training: training)
    decoder.use(scales.task)
    let length = 24
    let stack = (0..<one.sequences).map { sequence -> TokenSequence in
      let tokens: [Int32] = (0..<length).map { Int32(($0 * 7 + sequence * 3) % 32) }
      return TokenSequence(tokens: tokens, targets: tokens)
    }
    let pass = PassShape(
      tokens: length * one.sequences, sequences: one.sequences,
      arithmetic: Arithmetic(one.precision, multipliesIntegers: one.multipliesIntegers),
      groupSize: base.manifest.settings.groupSize, threads: 2,
      purpose: .training(training, recomputing: one.recomputing))
    let expected = PassMemory(decoder.config, pass).buffers
    let written = try Self.written(by: decoder) {
      _ = try decoder.lossesAndGradients(stack, scales: scales) { _, _, _ in }
    }
    Self.compare(expected, written, mayBeLess: decoder.config.block.experts != nil)
  }

  @Test(arguments: Precision.allCases, [false, true])
  func forwardWritesWhatIsListed(precision: Precision, multipliesIntegers: Bool) throws {
    let golden = try Golden("llama_4bit_row")
    let decoder = try makeDecoder(
      golden.directory, precision, multipliesIntegers: multipliesIntegers)
    let tokens = (0..<24).map { Int32($0 % 32) }
    let pass = PassShape(
      tokens: 24, arithmetic: Arithmetic(precision, multipliesIntegers: multipliesIntegers),
      groupSize: -1, threads: 2, purpose: .forward)
    let expected = PassMemory(decoder.config, pass).buffers
    let written = try Self.written(by: decoder) {
      _ = try decoder.loss(tokens, targets: tokens)
    }
    Self.compare(expected, written)
  }

  /// Losses and scores in a decoder that trains: what they allocate beside it, buffer by buffer.
  @Test(arguments: Precision.allCases) func evaluationBesideTraining(precision: Precision) throws {
    let golden = try Golden("llama_4bit_row")
    let decoder = try makeDecoder(golden.directory, precision)
    let training = ScaleTraining(.row)
    let scales = TrainableScales(weights: decoder.weights, training: training)
    decoder.use(scales.task)
    func tokens(_ count: Int) -> [Int32] { (0..<count).map { Int32($0 * 7 % 32) } }
    func bytes() throws -> Int {
      try Self.written(by: decoder) {
        _ = try decoder.lossesAndGradients(
          [TokenSequence(tokens: tokens(16), targets: tokens(16))], scales: scales
        ) { _, _, _ in }
      }.values.reduce(0, +)
    }
    func shape(_ tokens: Int, _ purpose: PassShape.Purpose) -> PassMemory {
      PassMemory(
        decoder.config,
        PassShape(
          tokens: tokens, arithmetic: Arithmetic(precision), groupSize: -1, threads: 2,
          purpose: purpose))
    }
    let trains = shape(16, .training(training, recomputing: decoder.recomputesProducts))
    let alone = try bytes()
    #expect(alone == trains.bytes)
    let both = try Self.written(by: decoder) {
      _ = try decoder.lossesAndGradients(
        [TokenSequence(tokens: tokens(16), targets: tokens(16))], scales: scales
      ) { _, _, _ in }
      _ = try decoder.loss(tokens(24), targets: tokens(24))
    }.values.reduce(0, +)
    #expect(both == alone + trains.added(by: [shape(24, .forward), shape(8, .forward)]))
  }

  /// - Parameter mayBeLess: operands may take less than is listed: an expert gets few of the
  /// tokens.
  private static func compare(
    _ expected: [String: Int], _ written: [String: Int], mayBeLess: Bool = false
  ) {
    for name in Set(expected.keys).union(written.keys).sorted() {
      let (listed, used) = (expected[name] ?? 0, written[name] ?? 0)
      if mayBeLess, name.hasPrefix("operand.") {
        #expect(used <= listed && listed <= 2 * used, "\(name)")
      } else {
        #expect(listed == used, "\(name)")
      }
    }
  }

  /// Bytes by buffer that `pass` writes. Workspaces without numbers of fp32 count as allocated.
  private static func written(by decoder: Decoder, _ pass: () throws -> Void) throws -> [String:
    Int]
  {
    try pass()
    let buffers = Self.buffers(of: decoder)
    for (_, memory) in buffers { memory.bindMemory(to: UInt32.self).update(repeating: mark) }
    try pass()
    var written: [String: Int] = [:]
    for (name, memory) in buffers {
      let count = memory.bindMemory(to: UInt32.self).count { $0 != mark }
      // A pass may leave out elements of a buffer that it uses, but hardly more than a part.
      let used =
        name.hasPrefix("head.") || count * 4 < memory.count / 2 ? count * 4 : memory.count
      if used > 0 { written[name, default: 0] += used }
    }
    let compute = Mirror(reflecting: decoder.compute)
    let operands = compute.descendant("operands") as? [OperandSlot: (UnsafeMutableRawPointer, Int)]
    for (slot, held) in try #require(operands) { written["operand.\(slot)"] = held.1 }
    let work = try #require(compute.descendant("attentionWorkCount") as? Int)
    written["attentionWork"] = work * decoder.compute.pool.threads * 4
    return written
  }

  /// The buffers of activations, gradients and the head, by the names that `PassMemory` has for
  /// them.
  private static func buffers(of decoder: Decoder) -> [(String, UnsafeMutableRawBufferPointer)] {
    var found: [(String, UnsafeMutableRawBufferPointer)] = []
    func visit(_ value: Any, _ name: String, _ prefix: String) {
      if let numbers = value as? FloatBuffer {
        found.append((prefix + name, UnsafeMutableRawBufferPointer(numbers.elements)))
      } else if let numbers = value as? NumberBuffer<Double> {
        found.append((prefix + name, UnsafeMutableRawBufferPointer(numbers.elements)))
      } else {
        for child in Mirror(reflecting: value).children {
          let label = child.label ?? ""
          visit(child.value, label.isEmpty || label == "some" ? name : label, prefix)
        }
      }
    }
    let mirror = Mirror(reflecting: decoder)
    for (label, prefix) in [("headWork", "head."), ("scaleGradients", "")] {
      guard let value = mirror.descendant(label) else { continue }
      visit(value, label, prefix)
    }
    return found
      + decoder.bufferMemory.map { ($0.name, UnsafeMutableRawBufferPointer($0.memory.elements)) }
  }
}
