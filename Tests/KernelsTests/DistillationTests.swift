internal import Foundation
internal import Kernels
internal import Testing

/// Loss and gradient against a teacher, every instruction set against loops in Double.
@Suite(.serialized) struct DistillationTests {
  struct Setting: Sendable {
    let weight, temperature, cap: Float
  }

  static let settings = [
    Setting(weight: 1, temperature: 1, cap: 0), Setting(weight: 0.25, temperature: 2, cap: 0),
    Setting(weight: 0.5, temperature: 0.7, cap: 30), Setting(weight: 1, temperature: 3, cap: 4),
    Setting(weight: 0.75, temperature: 1, cap: 30),
  ]

  /// One row, and what the teacher says of it.
  struct Row {
    var logits: [Float]
    var target: Int
    var teacher: TeacherProbabilities

    init(_ count: Int, names: Int, scale: Float, temperature: Float) {
      var random = RandomNumbers(seed: count + names)
      logits = random.floats(count, scale: scale)
      target = random.integer(0...count - 1)
      let other = zip(logits, random.floats(count, scale: 4)).map {
        (Double($0) + Double($1)) / Double(temperature)
      }
      let logSum = DistillationTests.logSum(other)
      let ids = other.indices.sorted { other[$0] > other[$1] }.prefix(names).sorted()
      let named = Set(ids)
      let rest = other.indices.filter { !named.contains($0) }.map { other[$0] }
      teacher = TeacherProbabilities(count: names)
      teacher.ids = ids.map(Int32.init)
      teacher.logs = ids.map { Float(other[$0] - logSum) }
      teacher.rest = [rest.isEmpty ? -.infinity : Float(DistillationTests.logSum(rest) - logSum)]
    }
  }

  static func logSum(_ x: [Double]) -> Double {
    let top = x.max() ?? 0
    return top + log(x.reduce(0) { $0 + exp($1 - top) })
  }

  private func outcome(
    _ row: Row, _ setting: Setting, _ set: InstructionSet, gradient: Bool
  ) -> (losses: [Double], before: [Float], after: [Float]) {
    let compute = Compute(pool: WorkerPool(threads: 1), precision: .fp32, instructionSet: set)
    let logits = GuardedMemory(row.logits, slack: 256)
    if setting.cap > 0 { compute.cap(logits.pointer, at: setting.cap, count: logits.count) }
    let before = logits.values
    let losses = GuardedMemory<Double>(results: 2, fill: .nan)
    compute.distill(
      logits.pointer, targets: [Int32(row.target)], vocabulary: logits.count,
      cap: setting.cap > 0 ? setting.cap : nil, teacher: row.teacher, from: 0,
      weight: setting.weight, temperature: setting.temperature, gradient: gradient,
      losses: losses.pointer)
    #expect(logits.isIntact && losses.isIntact)
    return (losses.values, before, logits.values)
  }

  @Test(arguments: InstructionSet.available, settings.indices)
  func lossesAndGradients(_ set: InstructionSet, _ index: Int) {
    let setting = Self.settings[index]
    for (place, count) in (oddCounts + [49_152]).enumerated() {
      for names in Set([1, min(count, 5), min(count, 64), min(count, 1024)]) {
        let scale: Float = place % 2 == 0 ? 4 : 20
        check(
          Row(count, names: names, scale: scale, temperature: setting.temperature), setting, set)
      }
    }
  }

  /// Sums over what is named and over the rest, as the definition says.
  private func check(_ row: Row, _ setting: Setting, _ set: InstructionSet) {
    let (losses, _, after) = outcome(row, setting, set, gradient: true)
    let (weight, cap) = (Double(setting.weight), Double(setting.cap))
    let temperature = Double(setting.temperature)
    let bent = row.logits.map { cap > 0 ? tanh(Double($0) / cap) : 0 }
    let x = cap > 0 ? bent.map { $0 * cap } : row.logits.map(Double.init)
    let soft = x.map { $0 / temperature }
    let (logP, logQ) = (Self.logSum(x), Self.logSum(soft))
    let (task, q) = (logP - x[row.target], soft.map { exp($0 - logQ) })
    var (wanted, named) = ([Double?](repeating: nil, count: x.count), 0.0)
    var divergence = 0.0
    for (id, log) in zip(row.teacher.ids, row.teacher.logs) {
      wanted[Int(id)] = exp(Double(log))
      named += exp(Double(log))
      divergence += exp(Double(log)) * (Double(log) - (soft[Int(id)] - logQ))
    }
    let rest = x.indices.filter { wanted[$0] == nil }
    let logRest = rest.isEmpty ? 0 : Self.logSum(rest.map { soft[$0] })
    let other = exp(Double(row.teacher.rest[0]))
    if !rest.isEmpty {
      divergence += other * (Double(row.teacher.rest[0]) - (logRest - logQ))
      for i in rest { wanted[i] = other * exp(soft[i] - logRest) }
    }

    // As `SoftmaxTests`: arguments round by some units of their size, the sums by less than 100;
    // a capped number errs by 10 units. Divergences have two logarithms.
    let size = (x.map(abs).max() ?? 0) * max(1, 1 / temperature)
    let relative = (8 * size + 100) * unit + (cap > 0 ? 20 * unit * size : 0)
    #expect(abs(losses[0] - task) <= relative, "\(x.count)")
    #expect(abs(losses[1] - divergence) <= 2 * relative, "\(x.count): \(losses[1]) \(divergence)")
    let slopeError = cap > 0 ? 30 * unit : 0
    var (gradient, bounds): ([Double], [Double]) = ([], [])
    for i in x.indices {
      let (p, hit) = (exp(x[i] - logP), i == row.target ? 1.0 : 0)
      let (share, slope) = (wanted[i] ?? 0, 1 - bent[i] * bent[i])
      gradient.append(
        (weight * temperature * (q[i] - share) + (1 - weight) * (p - hit)) * slope)
      let parts = weight * temperature * (q[i] + share) + (1 - weight) * (p + hit)
      bounds.append(parts * (2 * relative * slope + slopeError) + 0x1p-98)
    }
    let deviation = Deviation(after, gradient, allowing: bounds)
    #expect(deviation.isAllowed, "\(x.count), \(row.teacher.count) named: \(deviation)")
  }

  /// Nothing is learnt of the teacher: the bits of cross-entropy. Without gradient nothing changes.
  @Test(arguments: InstructionSet.available, [Float(0), 4])
  func weightZeroIsCrossEntropy(_ set: InstructionSet, _ cap: Float) {
    let compute = Compute(pool: WorkerPool(threads: 1), precision: .fp32, instructionSet: set)
    for count in oddCounts {
      let row = Row(count, names: min(count, 5), scale: 9, temperature: 2)
      let setting = Setting(weight: 0, temperature: 2, cap: cap)
      let taught = outcome(row, setting, set, gradient: true)
      var (logits, loss) = (taught.before, 0.0)
      compute.crossEntropy(
        &logits, targets: [Int32(row.target)], tokens: 1, vocabulary: count,
        cap: cap > 0 ? cap : nil, gradient: true, losses: &loss)
      #expect(taught.after.map(\.bitPattern) == logits.map(\.bitPattern), "\(count)")
      #expect(taught.losses[0] == loss)
      let still = outcome(row, Self.settings[1], set, gradient: false)
      #expect(still.after == still.before)
      let moved = outcome(row, Self.settings[1], set, gradient: true)
      #expect(moved.losses == still.losses)
    }
  }

  /// A broken number must show in both losses, wherever it stands.
  @Test(arguments: InstructionSet.available, [0, 5, 16, 40])
  func notANumberShows(_ set: InstructionSet, _ place: Int) {
    for bad in [Float.nan, .infinity] {
      for names in [1, 8, 41] {
        var row = Row(41, names: names, scale: 3, temperature: 1)
        row.logits[place] = bad
        let found = outcome(row, Self.settings[0], set, gradient: true)
        #expect(found.losses.allSatisfy { !$0.isFinite }, "\(names) named: \(found.losses)")
      }
    }
  }
}
