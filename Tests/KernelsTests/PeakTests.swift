import Kernels
import Testing

@Suite(.serialized) struct PeakTests {
  /// No absolute speeds: a peak is there where the table has such products, nothing is faster, and
  /// narrower numbers are at least as fast as wider ones, but for what a clock errs by.
  @Test(arguments: InstructionSet.available)
  func peaksAreOrdered(set: InstructionSet) {
    let compute = Compute(pool: WorkerPool(threads: 1), instructionSet: set)
    var peak = compute.measurePeak(seconds: 0.03, bytes: 32 << 20)
    // Other processes may hold up one kind of operation: the best of several looks.
    for _ in 0..<20 where !isOrdered(peak) {
      peak = peak.joined(compute.measurePeak(seconds: 0.03, bytes: 32 << 20))
    }
    #expect(peak.fp32 > 1e8)
    #expect(peak.bandwidth > 1e7)
    #expect((peak.bf16 > 0) == set.hasNativeBF16)
    #expect(isOrdered(peak), "\(peak)")
    let other = MachinePeak(fp32: 2 * peak.fp32, bf16: 0, int8: 0, bandwidth: 0)
    let joined = peak.joined(other)
    #expect(joined.fp32 == 2 * peak.fp32 && joined.bandwidth == peak.bandwidth)
  }

  private func isOrdered(_ peak: MachinePeak) -> Bool {
    [peak.bf16, peak.int8].allSatisfy { $0 == 0 || $0 > 0.9 * peak.fp32 }
  }
}
