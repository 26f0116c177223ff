import Kernels
import Testing

@Suite(.serialized) struct PeakTests {
  /// No absolute speeds: a peak is there where the table has such products, nothing is faster, and
  /// narrower numbers are at least as fast as wider ones. (0.8: other processes may run.)
  @Test(arguments: InstructionSet.available)
  func peaksAreOrdered(set: InstructionSet) {
    let peak = Compute(pool: WorkerPool(threads: 1), instructionSet: set).measurePeak()
    #expect(peak.fp32 > 1e8)
    #expect(peak.bandwidth > 1e7)
    #expect((peak.bf16 > 0) == set.hasNativeBF16)
    if peak.bf16 > 0 { #expect(peak.bf16 > 0.8 * peak.fp32) }
    if peak.int8 > 0 { #expect(peak.int8 > 0.8 * peak.fp32) }
    let other = MachinePeak(fp32: 2 * peak.fp32, bf16: 0, int8: 0, bandwidth: 0)
    let joined = peak.joined(other)
    #expect(joined.fp32 == 2 * peak.fp32 && joined.bandwidth == peak.bandwidth)
  }
}
