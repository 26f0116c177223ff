import DecoderModel
import Foundation
import JSONText
import Kernels
import Testing

/// Numbers by torch.autograd, see Fixtures/make_distillation.py.
@Suite struct GoldenDistillationTests {
  private let json: JSONValue

  init() throws {
    json = try ModelFiles.json(Fixtures.path("distillation") + "/golden.json")
  }

  @Test(arguments: InstructionSet.available)
  func lossesAndGradients(_ set: InstructionSet) throws {
    let compute = Compute(pool: WorkerPool(threads: 1), precision: .fp32, instructionSet: set)
    let cases = try #require(json["cases"]?.array)
    #expect(cases.count == 18)
    for one in cases {
      func number(_ key: String) throws -> Double { try #require(one[key]?.double) }
      func numbers(_ key: String) throws -> [Double] {
        try #require(one[key]?.array).map { try #require($0.double) }
      }
      let ids = try numbers("ids").map { Int32($0) }
      var teacher = TeacherProbabilities(count: ids.count)
      teacher.ids = ids
      teacher.logs = try numbers("logs").map { Float($0) }
      teacher.rest = [one["rest"]?.double.map { Float($0) } ?? -.infinity]
      #expect(teacher.fault(vocabulary: 37) == nil)
      let (cap, temperature) = (Float(try number("cap")), try number("temperature"))
      var logits = try numbers("logits").map { Float($0) }
      let size = Double(logits.map(abs).max() ?? 0) / min(1, temperature)
      if cap > 0 { compute.cap(&logits, at: cap, count: logits.count) }
      var losses = [0.0, 0.0]
      compute.distill(
        &logits, targets: [Int32(try number("target"))], vocabulary: logits.count,
        cap: cap > 0 ? cap : nil, teacher: teacher, from: 0, weight: Float(try number("weight")),
        temperature: Float(temperature), gradient: true, losses: &losses)
      // Arguments round by some units of their size, capped ones by 20 more; sums by less than 100.
      let bound = (28 * size + 100) * 0x1p-24
      #expect(abs(losses[0] - (try number("task"))) <= bound)
      #expect(abs(losses[1] - (try number("kl"))) <= 2 * bound)
      for (got, want) in zip(logits, try numbers("gradient")) {
        #expect(abs(Double(got) - want) <= 2 * bound * max(1, temperature))
      }
    }
  }
}

/// Learning from a teacher through whole models.
@Suite struct DistillationTests {
  /// Students with the teachers of their shapes: a plain block, caps, branches side by side.
  static let pairs = [
    ("llama_4bit_row", "llama_8bit_g128"), ("llama_2bit_g64", "llama_8bit_g128"),
    ("gemma2_4bit_row", "gemma2_4bit_g32"), ("gptj_4bit_row", "gptj_4bit_g32"),
  ]

  /// Five tokens, of which one predicts nothing.
  private func sequence(_ golden: Golden) throws -> TokenSequence {
    let single = try golden.sequence("single")
    var targets = (0..<5).map { single.ids[$0 + 1] }
    targets[1] = -1
    return TokenSequence(tokens: Array(single.ids.prefix(5)), targets: targets)
  }

  private func taught(
    _ sequence: TokenSequence, by teacher: Decoder, _ question: TeacherQuestion
  ) throws -> TokenSequence {
    TokenSequence(
      tokens: sequence.tokens, targets: sequence.targets, segmentOffsets: sequence.segmentOffsets,
      teacher: try teacher.answer(question, to: sequence))
  }

  /// Every scale against central differences of the same loss in Double.
  @Test(arguments: pairs)
  func everyScale(_ student: String, _ teacher: String) throws {
    let golden = try Golden(student)
    let distillation = Distillation(weight: 0.6, temperature: 2, hiddenWeight: 0.5)
    let sequence = try taught(
      sequence(golden), by: makeDecoder(Fixtures.path(teacher)),
      TeacherQuestion(tokens: 8, temperature: 2, blocks: [0, 1]))
    let decoder = try makeDecoder(golden.directory)
    let scales = TrainableScales(
      weights: decoder.weights, granularity: .group, parametrization: .absolute)
    decoder.use(scales.task)
    var gradient = [Float](repeating: .nan, count: scales.count)
    let sum = try decoder.lossesAndGradients(
      [sequence], scales: scales, distillation: distillation
    ) { _, first, values in
      for (i, value) in values.enumerated() { gradient[first + i] = value }
    }[0]

    var plain = try PlainDecoder(QuantizedBase(path: golden.directory))
    let parts = try plain.parts(sequence)
    let found = try #require(sum.parts)
    // fp32 against Double: 1e-6 of the loss (`CentralDifferenceTests`); the divergence and the
    // difference of the streams are small numbers made of numbers of that size.
    #expect(abs(found.task - parts.task) < 1e-6 * parts.task)
    #expect(abs(found.divergence - parts.divergence) < 1e-6 * parts.task)
    #expect(abs(found.hidden - parts.hidden) < 1e-5 * (parts.hidden + 1))
    #expect(abs(sum.loss - distillation.loss(found)) < 1e-9 * sum.loss)
    for entry in scales.task.entries {
      let position = try #require(decoder.config.block.position(of: entry.role))
      let index = entry.layer * decoder.config.block.linearCount + position
      let expected = try entry.range.indices.map { i in
        var failure: (any Error)?
        let slope = plain.slope(of: i - entry.range.lowerBound, in: index) {
          do {
            return distillation.loss(try $0.parts(sequence))
          } catch {
            failure = error
            return .nan
          }
        }
        if let failure { throw failure }
        return slope
      }
      let pairs = zip(gradient[entry.range], expected)
      let difference = pairs.reduce(0) { $0 + pow(Double($1.0) - $1.1, 2) }.squareRoot()
      let norm = expected.reduce(0) { $0 + $1 * $1 }.squareRoot()
      #expect(difference <= 1e-4 * norm, "\(entry.tensorName(.scales))")
    }
  }

  /// What a teacher says is what the decoder in Double says of its own logits and streams.
  @Test(arguments: pairs)
  func answers(_ student: String, _ teacher: String) throws {
    let sequence = try sequence(Golden(student))
    let question = TeacherQuestion(tokens: 5, temperature: 1.5, blocks: [1])
    let decoder = try makeDecoder(Fixtures.path(teacher))
    let answer = try decoder.answer(question, to: sequence)
    #expect(answer.fault(positions: 4, decoder.config) == nil)
    let plain = try PlainDecoder(QuantizedBase(path: Fixtures.path(teacher)))
    let streams = plain.streams(sequence.tokens)
    let found = try #require(answer.streams)
    for (n, t) in [0, 2, 3, 4].enumerated() {
      let logits = plain.logits(streams[plain.config.layerCount - 1][t]).map { $0 / 1.5 }
      let logSum = log(logits.reduce(0) { $0 + exp($1) })
      let ids = logits.indices.sorted { logits[$0] > logits[$1] }.prefix(5).sorted()
      #expect(answer.probabilities.ids[n * 5..<n * 5 + 5].map(Int.init) == ids)
      for (got, id) in zip(answer.probabilities.logs[n * 5..<n * 5 + 5], ids) {
        #expect(abs(Double(got) - (logits[id] - logSum)) < 1e-4)
      }
      let h = streams[1][t]
      let root = (h.reduce(0) { $0 + $1 * $1 } / Double(h.count)).squareRoot()
      #expect(abs(Double(found.factors[n]) * root - 1) < 1e-5)
      for (got, want) in zip(found.values[n * h.count..<(n + 1) * h.count], h) {
        // fp16 of numbers of size 1.
        let error = abs(Double(Float16(bitPattern: got)) - want / root)
        #expect(error < 0x1p-11 * abs(want / root) + 1e-5)
      }
    }
  }

  /// With every token named nothing is left over: the divergence of the whole distributions. With
  /// fewer it can only be less.
  @Test func allTokensGiveTheWholeDivergence() throws {
    let (student, teacher) = Self.pairs[0]
    let golden = try Golden(student)
    let sequence = try sequence(golden)
    let plain = try PlainDecoder(QuantizedBase(path: golden.directory))
    let other = try PlainDecoder(QuantizedBase(path: Fixtures.path(teacher)))
    let last = plain.config.layerCount - 1
    let (own, wanted) = (
      plain.streams(sequence.tokens)[last], other.streams(sequence.tokens)[last]
    )
    let whole = [0, 2, 3, 4].reduce(0.0) { sum, t in
      func logShares(_ logits: [Double]) -> [Double] {
        let logSum = log(logits.reduce(0) { $0 + exp($1) })
        return logits.map { $0 - logSum }
      }
      let (p, q) = (logShares(other.logits(wanted[t])), logShares(plain.logits(own[t])))
      return sum + zip(p, q).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) }
    }
    // fp32 logits of two models, of size 10.
    let bound = 1e-5 * whole
    var before = 0.0
    for tokens in [1, 8, 40, 96, 1000] {
      let outcome = try pass(
        [
          taught(
            sequence, by: makeDecoder(Fixtures.path(teacher)),
            TeacherQuestion(tokens: tokens, temperature: 1))
        ], makeDecoder(golden.directory), Distillation())
      let found = try #require(outcome.losses[0].parts).divergence
      #expect(found >= before - bound && found <= whole + bound, "\(tokens)")
      if tokens >= 96 { #expect(abs(found - whole) < bound) }
      before = found
    }
    #expect(whole > 1)
  }

  struct Outcome: Equatable {
    var losses: [SequenceLossSum]
    /// Bits by sequence.
    var gradients: [[UInt32]]
  }

  private func pass(
    _ sequences: [TokenSequence], _ decoder: Decoder, _ distillation: Distillation?
  ) throws -> Outcome {
    let scales = TrainableScales(
      weights: decoder.weights, granularity: .row, parametrization: .relative)
    decoder.use(scales.task)
    var gradients = Array(
      repeating: [UInt32](repeating: 0, count: scales.count), count: sequences.count)
    let losses = try decoder.lossesAndGradients(
      sequences, scales: scales, distillation: distillation
    ) { sequence, first, values in
      for (i, value) in values.enumerated() { gradients[sequence][first + i] = value.bitPattern }
    }
    return Outcome(losses: losses, gradients: gradients)
  }

  private func sequences(_ golden: Golden) throws -> [TokenSequence] {
    let (single, packed) = (try golden.sequence("single"), try golden.sequence("packed"))
    return [
      TokenSequence(
        tokens: packed.ids, targets: packed.targets, segmentOffsets: packed.starts),
      try sequence(golden), TokenSequence(tokens: single.ids, targets: single.targets),
    ]
  }

  /// Sequences that share a pass give the bits that each gives alone, in every precision.
  @Test(arguments: pairs, Precision.allCases)
  func stackingChangesNoBit(_ pair: (String, String), _ precision: Precision) throws {
    let golden = try Golden(pair.0)
    let teacher = try makeDecoder(Fixtures.path(pair.1))
    let question = TeacherQuestion(tokens: 7, temperature: 2, blocks: [0, 1])
    let all = try sequences(golden).map { try taught($0, by: teacher, question) }
    let decoder = try makeDecoder(golden.directory, precision)
    let distillation = Distillation(weight: 0.7, temperature: 2, hiddenWeight: 0.3)
    let alone = try all.map { try pass([$0], decoder, distillation) }
    let stacked = try pass(all, decoder, distillation)
    #expect(stacked.losses == alone.flatMap(\.losses))
    #expect(stacked.gradients == alone.flatMap(\.gradients))
    // On other threads, too.
    let threads = try makeDecoder(golden.directory, precision, threads: 1)
    #expect(try pass(all, threads, distillation) == stacked)
  }

  /// Whoever learns nothing from a teacher gets the bits of a pass without one.
  @Test(arguments: pairs, Precision.allCases)
  func weightZeroIsTheTask(_ pair: (String, String), _ precision: Precision) throws {
    let golden = try Golden(pair.0)
    let teacher = try makeDecoder(Fixtures.path(pair.1))
    let plain = try sequences(golden)
    let all = try plain.map {
      try taught($0, by: teacher, TeacherQuestion(tokens: 7, temperature: 2))
    }
    let decoder = try makeDecoder(golden.directory, precision)
    let task = try pass(plain, decoder, nil)
    let none = try pass(all, decoder, Distillation(weight: 0, temperature: 2))
    #expect(none.gradients == task.gradients)
    #expect(none.losses.map(\.loss) == task.losses.map(\.loss))
    // A pass without a wish to learn from it does not look at a teacher.
    #expect(try pass(all, decoder, nil) == task)
    #expect(try pass(all, decoder, Distillation()).gradients != task.gradients)
  }

  /// A model that is its own teacher has nothing to learn.
  @Test func ownTeacher() throws {
    let golden = try Golden("llama_4bit_row")
    let decoder = try makeDecoder(golden.directory)
    let plain = try sequence(golden)
    let question = TeacherQuestion(tokens: 9, temperature: 1, blocks: [0, 1])
    let own = try taught(plain, by: decoder, question)
    func norm(_ outcome: Outcome) -> Double {
      outcome.gradients[0].reduce(0) { $0 + pow(Double(Float(bitPattern: $1)), 2) }.squareRoot()
    }
    let task = norm(try pass([plain], decoder, nil))
    let taught = try pass([own], decoder, Distillation())
    #expect(abs(taught.losses[0].loss) < 1e-5 && norm(taught) < 1e-4 * task)
    // The streams of a teacher are rounded to fp16.
    let streams = try pass([own], decoder, Distillation(weight: 1, hiddenWeight: 1))
    #expect(try #require(streams.losses[0].parts).hidden < 4 * 0x1p-22)
  }

  @Test func badTeachersAreRefused() throws {
    let golden = try Golden("llama_4bit_row")
    let decoder = try makeDecoder(golden.directory)
    let plain = try sequence(golden)
    let good = try taught(plain, by: decoder, TeacherQuestion(tokens: 4, temperature: 1))
    func isRefused(_ sequences: [TokenSequence], _ distillation: Distillation) -> Bool {
      do {
        _ = try pass(sequences, decoder, distillation)
        return false
      } catch {
        return error is DecoderError
      }
    }
    #expect(!isRefused([good], Distillation()))
    #expect(isRefused([plain], Distillation()))
    #expect(isRefused([good, plain], Distillation()) && isRefused([plain, good], Distillation()))
    // No streams, too few positions, another number of tokens, ids beyond the vocabulary.
    #expect(isRefused([good], Distillation(hiddenWeight: 1)))
    let short = TokenSequence(
      tokens: plain.tokens, targets: [-1] + plain.targets.dropFirst(), teacher: good.teacher)
    #expect(isRefused([short], Distillation()))
    let fewer = try taught(plain, by: decoder, TeacherQuestion(tokens: 3, temperature: 1))
    #expect(isRefused([good, fewer], Distillation()))
    var answer = try #require(good.teacher)
    answer.probabilities.ids[3] = 96
    let beyond = TokenSequence(tokens: plain.tokens, targets: plain.targets, teacher: answer)
    #expect(isRefused([beyond], Distillation()))
  }
}

extension PlainDecoder {
  /// The parts of the loss against the teacher of a sequence, summed over its positions.
  func parts(_ sequence: TokenSequence) throws -> LossParts {
    let teacher = try #require(sequence.teacher)
    let (said, names) = (teacher.probabilities, teacher.probabilities.count)
    let temperature = 2.0
    let streams = streams(sequence.tokens)
    let places = sequence.targets.indices.filter { sequence.targets[$0] >= 0 }
    var parts = LossParts()
    for (n, t) in places.enumerated() {
      let logits = logits(streams[config.layerCount - 1][t])
      parts.task += log(logits.reduce(0) { $0 + exp($1) }) - logits[Int(sequence.targets[t])]
      let shares = logits.map { exp($0 / temperature) }
      let total = shares.reduce(0, +)
      var left = 1.0
      for place in n * names..<(n + 1) * names {
        let (named, q) = (Double(said.logs[place]), shares[Int(said.ids[place])] / total)
        parts.divergence += exp(named) * (named - log(q))
        left -= q
      }
      let rest = Double(said.rest[n])
      parts.divergence += exp(rest) * (rest - log(left))
      guard let other = teacher.streams else { continue }
      for (place, block) in other.blocks.enumerated() {
        let row = place * places.count + n
        let first = row * other.width
        let errors = streams[block][t].enumerated().map { i, h in
          Double(other.factors[row]) * h - Double(Float16(bitPattern: other.values[first + i]))
        }
        parts.hidden +=
          errors.reduce(0) { $0 + $1 * $1 } / Double(other.width * other.blocks.count)
      }
    }
    return parts
  }
}
