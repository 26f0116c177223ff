/// What an update has made of scales, where that is no use to a model. Counts of trained numbers.
package struct ScaleFaults: Sendable, Equatable {
  /// Infinite or not a number in the type that an adapter stores. Such an adapter cannot be loaded.
  package var notFinite = 0
  /// The sign is not that of the base's scale.
  package var flipped = 0
  /// 0, and not 0 in the base. A scale of 0 has the gradient 0: it stays.
  package var zeroed = 0

  package init(notFinite: Int = 0, flipped: Int = 0, zeroed: Int = 0) {
    (self.notFinite, self.flipped, self.zeroed) = (notFinite, flipped, zeroed)
  }

  /// Looks at one scale as it is stored.
  mutating func count(_ scale: Float, base: Float) {
    if !scale.isFinite {
      notFinite += 1
    } else if scale == 0 {
      zeroed += base == 0 ? 0 : 1
    } else if scale.sign != base.sign, base != 0 {
      flipped += 1
    }
  }
}
