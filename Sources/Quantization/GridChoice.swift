/// How a group of weights gets its scale and zero point.
protocol GridChoice: Sendable {
  /// `weights` as in `GroupGrid`, all finite; nil where no scale fits in fp16.
  func best(_ weights: UnsafeBufferPointer<GroupGrid.Vector>) -> GroupScale?
}

/// What a group gets: `w ~ scale * (code - zero)`.
struct GroupScale {
  var scale: Float16
  var zero: Int
}
