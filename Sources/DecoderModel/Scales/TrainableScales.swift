internal import Kernels

/// The trained numbers of a model: fp32 masters in one flat vector and the task scales they give.
///
/// Forward passes use scales rounded to the type in which the base has them, as an adapter stores
/// them; gradients pass through the rounding unchanged. So evaluation, generation and export
/// compute the function that was trained.
package final class TrainableScales {
  package let training: ScaleTraining
  package let task: AdapterScales
  /// One for each entry of the task, in its order.
  package let parts: [Part]
  /// All masters.
  package let count: Int
  /// The masters that are in use, where gradients are made of them; else empty.
  private let masters: FloatBuffer
  /// The lowest layer with trained numbers; below it nothing needs a gradient.
  let firstLayer: Int
  /// Kinds of layers that are trained, by layer.
  private let kinds: [Set<LinearKind>]
  /// Layers whose gradients are made of inputs, not of outputs alone.
  private let layersThatNeedInputs: Set<Int>

  /// The masters of one matrix.
  package struct Part: Sendable {
    package let entry: AdapterScales.Entry
    /// Where those of its scales are in the vector of all.
    package let range: Range<Int>
    /// Where those of its zero points [O, G] are; empty where these are not trained.
    package let zeros: Range<Int>
    /// Nil where every number of the task has a master of its own.
    let factors: ScaleFactors?
  }

  package init(weights: DecoderWeights, training: ScaleTraining) {
    self.training = training
    let grouped = weights.layers.contains { layer in
      layer.linears.contains { $0.matrix.scalesPerRow > 1 || $0.matrix.groupsPerScale > 1 }
    }
    let task = AdapterScales(
      form: training.granularity == .row && grouped ? .gains : .scales, of: weights,
      modules: training.modules, zeroPoints: training.zeroPoints)
    self.task = task
    (parts, count) = Self.parts(task, training)
    masters = FloatBuffer(zeros: training.rank > 0 ? count : 0)
    var kinds = [Set<LinearKind>](repeating: [], count: weights.layers.count)
    for entry in task.entries { kinds[entry.layer].insert(entry.role.kind) }
    self.kinds = kinds
    firstLayer = kinds.firstIndex { !$0.isEmpty } ?? kinds.count
    layersThatNeedInputs = Set(
      task.entries.filter { $0.groups > 1 || !$0.zeros.isEmpty }.map(\.layer))
  }

  /// All layers.
  package convenience init(
    weights: DecoderWeights, granularity: ScaleGranularity, parametrization: ScaleParametrization
  ) {
    self.init(weights: weights, training: ScaleTraining(granularity, parametrization))
  }

  package var granularity: ScaleGranularity { training.granularity }
  package var parametrization: ScaleParametrization { training.parametrization }

  /// Scales of all matrices first, then zero points of all.
  private static func parts(_ task: AdapterScales, _ training: ScaleTraining) -> ([Part], Int) {
    // A row with one scale has no columns to tell apart.
    let factors = task.entries.map { entry in
      training.granularity == .rowAndColumn && entry.groups > 1
        ? ScaleFactors(rows: entry.rows, columns: entry.groups, rank: training.rank) : nil
    }
    let counts = zip(task.entries, factors).map { $1?.count ?? $0.range.count }
    let scaleCount = counts.reduce(0, +)
    var next = 0
    let parts = task.entries.indices.map { index in
      let entry = task.entries[index]
      defer { next += counts[index] }
      return Part(
        entry: entry, range: next..<next + counts[index],
        zeros: scaleCount + entry.zeros.lowerBound..<scaleCount + entry.zeros.upperBound,
        factors: factors[index])
    }
    return (parts, scaleCount + task.zeroCount)
  }

  /// The masters of one matrix; nil where it is not trained.
  func part(layer: Int, role: LinearRole) -> Part? {
    task.index(layer: layer, role: role).map { parts[$0] }
  }

  /// Whether a block has a trained layer of one of these kinds.
  func trains(_ some: [LinearKind], layer: Int) -> Bool {
    some.contains { kinds[layer].contains($0) }
  }

  /// Whether gradients of a block are made of the inputs of its layers, not of their outputs alone.
  func needsInputs(layer: Int) -> Bool { layersThatNeedInputs.contains(layer) }

  /// Masters d [count] at which the task is the base: 0 but for some of `ScaleFactors`.
  package func copyInitialMasters(to masters: UnsafeMutableBufferPointer<Float>) {
    precondition(masters.count == count, "one master for each trained number")
    masters.update(repeating: 0)
    var random = SplitMix64(seed: training.seed)
    guard let start = masters.baseAddress else { return }
    for part in parts { part.factors?.initialize(start + part.range.lowerBound, &random) }
  }

  /// Derives the task scales from masters d [count]; says what has become of them.
  @discardableResult
  package func setMasters(_ masters: UnsafeBufferPointer<Float>) -> ScaleFaults {
    precondition(masters.count == count, "one master for each trained number")
    if self.masters.count > 0 { _ = self.masters.elements.update(fromContentsOf: masters) }
    var faults = ScaleFaults()
    guard let start = masters.baseAddress else { return faults }
    for part in parts {
      set(part, start + part.range.lowerBound, &faults)
      setZeros(part, start + part.zeros.lowerBound, &faults)
    }
    return faults
  }

  private func set(_ part: Part, _ masters: UnsafePointer<Float>, _ faults: inout ScaleFaults) {
    let entry = part.entry
    guard task.form == .scales, let base = task.base(of: entry) else {
      let gains = task.gains.pointer + entry.range.lowerBound
      for i in 0..<entry.range.count {
        gains[i] = 1 + masters[i]
        faults.count(gains[i], base: 1)
      }
      return
    }
    let scales = task.pointers(entry).scales
    for i in 0..<entry.range.count {
      let change =
        part.factors?.value(masters, i / entry.groups, i % entry.groups) ?? masters[i]
      let first = base.scale(i)
      entry.type.store(isRelative ? first * (1 + change) : first + change, scales, i)
      faults.count(entry.type.load(scales, i), base: first)
    }
    if !task.setMinima(entry) { faults.notFinite += 1 }
  }

  /// z = z0 + d, in steps of the codes.
  private func setZeros(
    _ part: Part, _ masters: UnsafePointer<Float>, _ faults: inout ScaleFaults
  ) {
    guard !part.zeros.isEmpty, let base = task.base(of: part.entry) else { return }
    for i in 0..<part.zeros.count {
      let isFinite = task.setZero((base.zero(i) ?? 0) + masters[i], part.entry, i)
      if !isFinite { faults.notFinite += 1 }
    }
  }

  /// Whether numbers change scales by a part of them.
  var isRelative: Bool { parametrization == .relative || granularity == .rowAndColumn }

  /// The masters of a part that are in use; nil where no gradient is made of them.
  func masters(of part: Part) -> UnsafePointer<Float>? {
    masters.count > 0 ? UnsafePointer(masters.pointer + part.range.lowerBound) : nil
  }
}
