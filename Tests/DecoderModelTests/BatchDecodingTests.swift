import DecoderModel
import Kernels
import Testing

/// One step for several sequences, each of its own task, gives what each task gives alone.
@Suite struct BatchDecodingTests {
  /// What a sequence has read and what it reads next.
  struct Sequence {
    let task: AdapterScales?
    let prompt, answer: [Int32]
  }

  /// A task of trained numbers d in (-spread, spread), of the form that training would give it.
  private func task(
    _ weights: DecoderWeights, seed: UInt64, _ granularity: ScaleGranularity, spread: Double
  ) -> AdapterScales {
    var random = SplitMix64(seed: seed)
    let scales = TrainableScales(
      weights: weights, granularity: granularity, parametrization: .relative)
    let masters = (0..<scales.count).map { _ in
      Float(spread * (2 * random.unitInterval() - 1))
    }
    _ = masters.withUnsafeBufferPointer { scales.setMasters($0) }
    return scales.task
  }

  /// Gains that are powers of two.
  private func doublings(_ weights: DecoderWeights, seed: UInt64) -> AdapterScales {
    var random = SplitMix64(seed: seed)
    let scales = TrainableScales(
      weights: weights, granularity: .row, parametrization: .relative)
    let masters = (0..<scales.count).map { _ in
      [-0.5, 0, 1].randomElement(using: &random) ?? Float(0)
    }
    _ = masters.withUnsafeBufferPointer { scales.setMasters($0) }
    return scales.task
  }

  /// Prompts of unequal lengths, as many answers as the shortest sequence leaves room for.
  private func sequences(_ golden: Golden, tasks: [AdapterScales?]) throws -> [Sequence] {
    let ids = try golden.sequence("single").ids
    return tasks.enumerated().map { index, task in
      let start = 1 + index % 5
      return Sequence(
        task: task, prompt: Array(ids[index % 3..<index % 3 + start]),
        answer: Array(ids[start + 3..<start + 7]))
    }
  }

  /// Bits of the logits after each token of the answer, by sequence.
  private func alone(_ sequences: [Sequence], _ decoder: Decoder) throws -> [[[UInt32]]] {
    try sequences.map { sequence in
      decoder.use(sequence.task)
      let cache = decoder.cache(capacity: 16)
      var logits: [Float] = []
      try decoder.extend(sequence.prompt, cache, into: &logits)
      return try sequence.answer.map {
        try decoder.extend([$0], cache, into: &logits)
        return logits.map(\.bitPattern)
      }
    }
  }

  private func batched(_ sequences: [Sequence], _ decoder: Decoder) throws -> [[[UInt32]]] {
    var tasks: [RowFactors] = []
    for sequence in sequences {
      tasks.append(
        tasks.first { $0.task === sequence.task } ?? decoder.rowFactors(of: sequence.task))
    }
    let caches = try sequences.map { sequence in
      decoder.use(sequence.task)
      let cache = decoder.cache(capacity: 16)
      var logits: [Float] = []
      try decoder.extend(sequence.prompt, cache, into: &logits)
      return cache
    }
    var all = [[[UInt32]]](repeating: [], count: sequences.count)
    for step in sequences[0].answer.indices {
      var logits: [[Float]] = []
      try decoder.extend(sequences.map { $0.answer[step] }, caches, tasks: tasks, into: &logits)
      for (index, row) in logits.enumerated() { all[index].append(row.map(\.bitPattern)) }
    }
    return all
  }

  static let rowBases = goldenBases.filter { $0.hasSuffix("_row") }

  /// One scale a row: products without scales, times the scales, are the products with them.
  @Test(arguments: rowBases, InstructionSet.available)
  func rowScalesChangeNoBit(_ name: String, _ set: InstructionSet) throws {
    let golden = try Golden(name)
    for precision in Precision.allCases {
      let decoder = try makeDecoder(golden.directory, precision, instructionSet: set)
      let tasks = (0..<6).map { task(decoder.weights, seed: $0, .row, spread: 0.4) }
      // The base twice and a task twice; scales of both signs.
      let flipped = task(decoder.weights, seed: 9, .row, spread: 2)
      let sequences = try sequences(
        golden, tasks: [nil, tasks[0], tasks[1], flipped, nil, tasks[0]])
      let expected = try alone(sequences, decoder)
      #expect(try batched(sequences, decoder) == expected, "\(precision)")
      #expect(Set(expected.map { $0[0] }).count > 3, "a batch that tells nothing apart")
      // All of one task: no factors, the same bits.
      let same = try self.sequences(golden, tasks: [tasks[2], tasks[2], tasks[2]])
      #expect(try batched(same, decoder) == alone(same, decoder), "\(precision)")
    }
  }

  /// Powers of two pass through every rounding, so gains behind the product are gains before it.
  /// (No scale of these bases is so small that half of it is a subnormal fp16.)
  @Test(arguments: goldenBases, Precision.allCases)
  func exactGainsChangeNoBit(_ name: String, _ precision: Precision) throws {
    let golden = try Golden(name)
    let decoder = try makeDecoder(golden.directory, precision)
    let tasks = (0..<3).map { doublings(decoder.weights, seed: $0) }
    let sequences = try sequences(golden, tasks: [tasks[0], nil, tasks[1], tasks[2], tasks[0]])
    #expect(try batched(sequences, decoder) == alone(sequences, decoder))
    #expect(decoder.rowFactors(of: tasks[0]).obstacle == nil)
  }

  /// What a sequence gives does not depend on who else is there, whatever its gains.
  @Test(arguments: ["llama_3bit_g32", "mixtral_4bit_g32", "llama_4bit_g32_real_zeros"])
  func gainsDoNotDependOnTheBatch(_ name: String) throws {
    let golden = try Golden(name)
    let decoder = try makeDecoder(golden.directory)
    let tasks = (0..<3).map { task(decoder.weights, seed: $0, .row, spread: 0.4) }
    let sequences = try sequences(golden, tasks: [tasks[0], nil, tasks[1], tasks[2], tasks[0]])
    let all = try batched(sequences, decoder)
    #expect(try batched(sequences.reversed(), decoder) == all.reversed())
    for (index, sequence) in sequences.enumerated() {
      #expect(try batched([sequence], decoder)[0] == all[index])
    }
  }

  /// A gain behind the product against the scales that the task alone uses, s' = fp16(s g). With
  /// eps = 2^-11, |s' - s g| <= eps |s g| (or 2^-25, where s g is subnormal), so outputs differ by
  /// at most sum_i (eps |s g| + 2^-25) |q - z| |x|. Both are sums of n terms in fp32, each within
  /// (n + 4) 2^-24 of its sum of magnitudes.
  @Test(arguments: ["llama_3bit_g32", "llama_2bit_g64", "llama_4bit_g32_real_zeros"])
  func gainsBehindTheProduct(_ name: String) throws {
    let golden = try Golden(name)
    let decoder = try makeDecoder(golden.directory)
    let own = task(decoder.weights, seed: 5, .row, spread: 0.4)
    let compute = decoder.compute
    var differs = false
    func products(_ task: AdapterScales?, _ x: FloatBuffer) -> [Float] {
      decoder.use(task)
      let matrix = decoder.weights.layers[1][.down].matrix
      let y = FloatBuffer(count: matrix.rows)
      compute.decode(
        Product(matrix, into: y.pointer),
        input: compute.decodeOperand(x.pointer, tokens: 1, for: matrix), tokens: 1)
      return Array(y.elements)
    }
    let columns = decoder.weights.layers[1][.down].matrix.columns
    let x = FloatBuffer(count: columns)
    // One input at a time, so that the sum of magnitudes is that of the output itself.
    for column in stride(from: 0, to: columns, by: 7) {
      x.zero()
      x.pointer[column] = 1.5
      let (base, tuned) = (products(nil, x), products(own, x))
      let entry = try #require(own.entry(layer: 1, role: LinearRole(.down)))
      let gains = own.bytes(of: entry).bindMemory(to: Float.self)
      for row in base.indices {
        let shared = base[row] * gains[row]
        // |q - z| is at most 15 here.
        let bound = abs(shared) * (0x1p-11 + 8 * 0x1p-24) + 15 * 1.5 * 0x1p-25
        #expect(abs(shared - tuned[row]) <= bound)
        differs = differs || shared != tuned[row]
      }
    }
    #expect(differs, "a bound that is never needed")
  }

  /// Scales of groups share no product, and say so.
  @Test func groupScalesAreHeldApart() throws {
    let golden = try Golden("llama_3bit_g32")
    let decoder = try makeDecoder(golden.directory)
    let own = task(decoder.weights, seed: 1, .group, spread: 0.4)
    let factors = decoder.rowFactors(of: own)
    #expect(factors.obstacle?.contains("groups") == true && factors.isExact)
    #expect(decoder.rowFactors(of: nil).obstacle == nil)
    // Among themselves they are stacked.
    let sequences = try sequences(golden, tasks: [own, own, own])
    #expect(try batched(sequences, decoder) == alone(sequences, decoder))
  }

  @Test func badStepsLeaveTheCaches() throws {
    let decoder = try makeDecoder(try Golden("llama_4bit_row").directory)
    let base = decoder.rowFactors(of: nil)
    let caches = [decoder.cache(capacity: 2), decoder.cache(capacity: 1)]
    var logits: [[Float]] = []
    try decoder.extend([1, 2], caches, tasks: [base, base], into: &logits)
    #expect(throws: DecoderError.self) {
      try decoder.extend([1, 2], caches, tasks: [base, base], into: &logits)
    }
    #expect(throws: DecoderError.self) {
      try decoder.extend([1, 9999], caches, tasks: [base, base], into: &logits)
    }
    #expect(caches.map(\.count) == [1, 1])
  }
}
