internal import Kernels

/// The scales of one task over a base: what an adapter file holds and what products read.
///
/// Either effective fp16 scales of every quantized matrix, or one fp32 gain a row on top of the
/// base's group scales. Decoders switch tasks by pointing their matrices here.
package final class AdapterScales {
  package enum Form: String, Sendable {
    /// fp16 [O, G] in place of the base's scales.
    case scales
    /// fp32 [O]: the base's scale of each group times its row's gain, rounded to fp16.
    case gains
  }

  /// One matrix inside the flat buffer.
  package struct Entry: Sendable {
    package let layer: Int
    package let role: LinearRole
    /// Numbers of this matrix in the flat buffer.
    package let range: Range<Int>
    package let rows: Int
    /// Numbers a row: G, or 1 for gains.
    package let groups: Int

    /// Name of the tensor in an adapter file.
    package func tensorName(_ form: Form) -> String {
      role.name(layer: layer) + ".\(form.rawValue)"
    }
  }

  package let form: Form
  package let entries: [Entry]
  /// All numbers of all matrices, in the order of `entries`.
  package let count: Int
  let scales: NumberBuffer<UInt16>
  let gains: FloatBuffer
  /// Index in `entries` by layer and role.
  private let positions: [[LinearRole: Int]]

  /// The base's own scales, or gains of 1.
  package init(form: Form, of weights: DecoderWeights) {
    self.form = form
    var entries: [Entry] = []
    var positions: [[LinearRole: Int]] = []
    var count = 0
    for (layer, tensors) in weights.layers.enumerated() {
      positions.append([:])
      for role in tensors.roles {
        let matrix = tensors[role].matrix
        guard matrix.isQuantized else { continue }
        positions[layer][role] = entries.count
        let groups = form == .gains ? 1 : matrix.groups
        entries.append(
          Entry(
            layer: layer, role: role, range: count..<(count + matrix.rows * groups),
            rows: matrix.rows, groups: groups))
        count += matrix.rows * groups
      }
    }
    self.entries = entries
    self.positions = positions
    self.count = count
    scales = NumberBuffer(count: form == .scales ? count : 0)
    gains = FloatBuffer(count: form == .gains ? count : 0)
    reset(to: weights)
  }

  /// The entry of one matrix; nil where it is not quantized.
  package func entry(layer: Int, role: LinearRole) -> Entry? {
    guard positions.indices.contains(layer) else { return nil }
    return positions[layer][role].map { entries[$0] }
  }

  private func reset(to weights: DecoderWeights) {
    if form == .gains {
      gains.elements.update(repeating: 1)
      return
    }
    for entry in entries {
      guard let base = weights.layers[entry.layer][entry.role].baseScales else { continue }
      (scales.pointer + entry.range.lowerBound).update(from: base, count: entry.range.count)
    }
  }

  /// The raw bytes of an entry as an adapter file stores them: F16 scales or F32 gains.
  package func bytes(of entry: Entry) -> UnsafeMutableRawBufferPointer {
    switch form {
    case .scales:
      UnsafeMutableRawBufferPointer(
        start: scales.pointer + entry.range.lowerBound, count: entry.range.count * 2)
    case .gains:
      UnsafeMutableRawBufferPointer(
        start: gains.pointer + entry.range.lowerBound, count: entry.range.count * 4)
    }
  }
}
