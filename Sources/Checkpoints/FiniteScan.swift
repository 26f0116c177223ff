extension UnsafeBufferPointer<Float> {
  /// The index of the first NaN or infinity.
  package var firstNonFinite: Int? {
    let chunk = 4096
    var start = 0
    while start < count {
      let end = Swift.min(start + chunk, count)
      // The largest magnitude as an integer: no early exit, so that it vectorizes.
      var largest: UInt32 = 0
      for i in start..<end { largest = Swift.max(largest, self[i].bitPattern & 0x7FFF_FFFF) }
      if largest >= 0x7F80_0000 { return (start..<end).first { !self[$0].isFinite } }
      start = end
    }
    return nil
  }
}
