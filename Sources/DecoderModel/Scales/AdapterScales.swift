internal import Checkpoints
package import Kernels

/// The scales of one task over a base: what an adapter file holds and what products read.
///
/// Either effective scales of every quantized matrix, or one fp32 gain a row on top of the base's
/// scales of groups. Decoders switch tasks by pointing their matrices here.
///
/// Zero points may be the task's own too: real ones, in place of the base's, beside effective
/// scales.
///
/// Where a matrix has minima, they move with their scale: m = m0 s / s0, rounded to the type of
/// both. So a scale turns the weights of its group by one factor, as it does where there is a zero
/// point, and a file that holds both can say exactly what was trained.
package final class AdapterScales {
  package enum Form: String, Sendable {
    /// [O, scalesPerRow] in place of the base's scales, of their type.
    case scales
    /// fp32 [O]: the base's numbers times their row's gain, rounded to their type.
    case gains
  }

  /// One matrix inside the flat buffer.
  package struct Entry: Sendable {
    package let layer: Int
    package let role: LinearRole
    /// Numbers of this matrix in the flat buffer.
    package let range: Range<Int>
    package let rows: Int
    /// Numbers of a row: those of the base, or 1 for gains.
    package let groups: Int
    /// Sums from which its gradients are made: one for each group of the matrix, 1 for gains.
    let sumsPerRow: Int
    /// Of the numbers in a file.
    package let type: FloatType
    /// Where its scales, and its minima if it has any, begin in their buffers.
    let scaleBytes, minimumBytes: Int
    let hasMinima: Bool
    /// Its zero points [O, G] among those of all matrices; empty where they stay the base's.
    let zeros: Range<Int>

    /// Name of the tensor of zero points in an adapter file.
    package var zerosName: String { role.name(layer: layer) + AdapterScales.zerosSuffix }

    /// Name of the tensor in an adapter file.
    package func tensorName(_ form: Form) -> String {
      role.name(layer: layer) + ".\(form.rawValue)"
    }
  }

  package static let zerosSuffix = ".zeros"

  package let form: Form
  package let entries: [Entry]
  /// All numbers of all matrices, in the order of `entries`.
  package let count: Int
  /// As adapter files hold them.
  private let scales: NumberBuffer<UInt8>
  /// As `scales`, of matrices that have minima; they follow from the scales.
  private let minima: NumberBuffer<UInt8>
  /// Bits of fp16, as adapter files hold them.
  private let zeros: NumberBuffer<UInt16>
  let gains: FloatBuffer
  private let shipped: [ShippedScales?]
  /// Index in `entries` by layer and role.
  private let positions: [[LinearRole: Int]]

  /// The base's own scales, or gains of 1.
  ///
  /// - Parameters:
  ///   - modules: layers that the task changes; the others have no entry.
  ///   - zeroPoints: the task has zero points of its own, where its base has any; not with gains.
  package init(
    form: Form, of weights: DecoderWeights, modules: TargetModules = .all, zeroPoints: Bool = false
  ) {
    precondition(form == .scales || !zeroPoints, "zero points go with scales")
    self.form = form
    var entries: [Entry] = []
    var positions: [[LinearRole: Int]] = []
    var shipped: [ShippedScales?] = []
    var (count, scaleBytes, minimumBytes, zeroCount) = (0, 0, 0, 0)
    for (layer, tensors) in weights.layers.enumerated() {
      positions.append([:])
      for role in tensors.roles {
        let matrix = tensors[role].matrix
        guard matrix.isQuantized, modules.contains(role, layer: layer) else { continue }
        positions[layer][role] = entries.count
        let groups = form == .gains ? 1 : matrix.scalesPerRow
        let own = count..<(count + matrix.rows * groups)
        let base = tensors[role].base
        let entry = Entry(
          layer: layer, role: role, range: own, rows: matrix.rows, groups: groups,
          sumsPerRow: form == .gains ? 1 : matrix.groups,
          type: form == .gains ? .f32 : matrix.scaleType,
          scaleBytes: scaleBytes.roundedUp(to: 4), minimumBytes: minimumBytes.roundedUp(to: 4),
          hasMinima: base?.minima != nil,
          zeros: zeroCount..<zeroCount
            + (zeroPoints && base?.zero(0) != nil ? matrix.rows * matrix.groups : 0))
        entries.append(entry)
        shipped.append(base)
        count = own.upperBound
        zeroCount = entry.zeros.upperBound
        guard form == .scales else { continue }
        scaleBytes = entry.scaleBytes + own.count * entry.type.byteCount
        if entry.hasMinima {
          minimumBytes = entry.minimumBytes + own.count * entry.type.byteCount
        }
      }
    }
    self.entries = entries
    self.positions = positions
    self.count = count
    self.shipped = shipped
    scales = NumberBuffer(count: scaleBytes)
    minima = NumberBuffer(count: minimumBytes)
    zeros = NumberBuffer(count: zeroCount)
    gains = FloatBuffer(count: form == .gains ? count : 0)
    gains.elements.update(repeating: 1)
    guard form == .scales else { return }
    for (index, entry) in entries.enumerated() {
      guard let base = shipped[index] else { continue }
      bytes(of: entry).copyMemory(
        from: UnsafeRawBufferPointer(
          start: base.scales, count: entry.range.count * entry.type.byteCount))
      setMinima(entry)
      for i in 0..<entry.zeros.count { setZero(base.zero(i) ?? 0, entry, i) }
    }
  }

  /// Numbers of zero points of all matrices.
  package var zeroCount: Int { zeros.count }

  /// The entry of one matrix; nil where the task does not change it.
  package func entry(layer: Int, role: LinearRole) -> Entry? {
    index(layer: layer, role: role).map { entries[$0] }
  }

  /// Index in `entries` of one matrix.
  func index(layer: Int, role: LinearRole) -> Int? {
    positions.indices.contains(layer) ? positions[layer][role] : nil
  }

  /// The base's scales of an entry; nil where it has none.
  func base(of entry: Entry) -> ShippedScales? {
    positions[entry.layer][entry.role].flatMap { shipped[$0] }
  }

  /// The scales that products use, and the minima where the matrix has any.
  func pointers(
    _ entry: Entry
  ) -> (scales: UnsafeMutableRawPointer, minima: UnsafeMutableRawPointer?) {
    (
      UnsafeMutableRawPointer(scales.pointer) + entry.scaleBytes,
      entry.hasMinima ? UnsafeMutableRawPointer(minima.pointer) + entry.minimumBytes : nil
    )
  }

  /// Makes the minima of an entry follow its scales; false where one has no place in their type. A
  /// scale of 0 in the base says nothing of the factor: its minimum stays.
  @discardableResult
  package func setMinima(_ entry: Entry) -> Bool {
    let (scales, minima) = pointers(entry)
    guard form == .scales, let minima, let base = base(of: entry) else { return true }
    var allFinite = true
    for i in 0..<entry.range.count {
      let (first, now) = (base.scale(i), entry.type.load(scales, i))
      guard let minimum = base.minimum(i) else { return true }
      entry.type.store(first == 0 ? minimum : minimum * (now / first), minima, i)
      allFinite = allFinite && entry.type.load(minima, i).isFinite
    }
    return allFinite
  }

  /// Puts zero point `i` of an entry, rounded to fp16; false where it has no place there.
  @discardableResult
  func setZero(_ zero: Float, _ entry: Entry, _ i: Int) -> Bool {
    let half = Float16(zero)
    zeros.pointer[entry.zeros.lowerBound + i] = half.bitPattern
    return half.isFinite
  }

  /// The zero points that products use; nil where they are the base's.
  func zeroPointer(_ entry: Entry) -> UnsafePointer<UInt16>? {
    entry.zeros.isEmpty ? nil : UnsafePointer(zeros.pointer + entry.zeros.lowerBound)
  }

  /// The raw bytes of an entry's zero points as an adapter file stores them: F16 [O, G].
  package func zeroBytes(of entry: Entry) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(
      start: zeros.pointer + entry.zeros.lowerBound, count: entry.zeros.count * 2)
  }

  /// The raw bytes of an entry as an adapter file stores them: scales, or F32 gains.
  package func bytes(of entry: Entry) -> UnsafeMutableRawBufferPointer {
    switch form {
    case .scales:
      UnsafeMutableRawBufferPointer(
        start: pointers(entry).scales, count: entry.range.count * entry.type.byteCount)
    case .gains:
      UnsafeMutableRawBufferPointer(
        start: gains.pointer + entry.range.lowerBound, count: entry.range.count * 4)
    }
  }
}
