/// The grid of embeddings and output matrices: 8 bits in groups of 64 columns, around the middle of
/// the codes, as wide as the largest weight of the group.
///
/// Scales have 4 significant bits. With 7 bits of a step that makes 11, so every weight is a number
/// of fp16 exactly, and files that keep their vocabulary in fp16 get the very numbers of the base.
/// No search: 8 bits clip nothing, and a vocabulary is a third of a small model.
struct HalfGrid: GridChoice {
  static let settings = QuantizationSettings(bits: 8, groupSize: 64, symmetric: true)
  private static let centre = 128
  private static let largestStep: Float = 127

  func best(_ weights: UnsafeBufferPointer<GroupGrid.Vector>) -> GroupScale? {
    let largest = weights.reduce(0) { max($0, $1.max(), -$1.min()) }
    guard largest > 0 else { return GroupScale(scale: 1, zero: Self.centre) }
    let scale = Float16(Self.scale(atLeast: largest / Self.largestStep))
    return scale.isFinite ? GroupScale(scale: scale, zero: Self.centre) : nil
  }

  /// The least number of 4 significant bits that is not below `value`, a multiple of 2^-24, the
  /// last bit of fp16.
  static func scale(atLeast value: Float) -> Float {
    let unit = Float(sign: .plus, exponent: max(value.exponent - 3, -24), significand: 1)
    return (value / unit).rounded(.up) * unit
  }
}
