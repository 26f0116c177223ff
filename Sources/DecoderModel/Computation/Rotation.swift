/// The rotary tables of a decoder: one, or one more for layers with a window.
final class Rotation {
  private let main, local: RotaryTable?
  private let localRope: RopeConfig?

  init(_ config: DecoderConfig) {
    let rotated = config.rotatedSize
    main = rotated > 0 ? RotaryTable(config.rope, rotated: rotated) : nil
    local = rotated > 0 ? config.localRope.map { RotaryTable($0, rotated: rotated) } : nil
    localRope = config.localRope
  }

  /// Cosines and sines for tokens whose positions restart at 0 in each segment and start at
  /// `offset`.
  func gather(segments: some Collection<Range<Int>>, offset: Int = 0, _ a: Activations) {
    main?.gather(segments: segments, offset: offset, cosine: a[.cosine], sine: a[.sine])
    local?.gather(
      segments: segments, offset: offset, cosine: a[.localCosine], sine: a[.localSine])
  }

  /// The buffers of a layer's cosines and sines.
  func angles(_ rope: RopeConfig) -> (cosine: BlockBuffer.Name, sine: BlockBuffer.Name) {
    rope == localRope ? (.localCosine, .localSine) : (.cosine, .sine)
  }
}
