import Kernels
import Testing

@Suite struct PeakTests {
  /// A peak is there where the table has such products, and nowhere else. How fast they are is for
  /// `peqa bench kernels` to say: a busy machine would make a test of speeds fail.
  @Test(arguments: InstructionSet.available)
  func peaksAreThereForWhatTheTableHas(set: InstructionSet) {
    let compute = Compute(pool: WorkerPool(threads: 1), instructionSet: set)
    let peak = compute.measurePeak(seconds: 0.01, bytes: 1 << 20)
    #expect(peak.fp32.isFinite && peak.fp32 > 0)
    #expect(peak.bandwidth.isFinite && peak.bandwidth > 0)
    #expect((peak.bf16 > 0) == set.hasNativeBF16)
    let other = MachinePeak(fp32: 2 * peak.fp32, bf16: 0, int8: 0, bandwidth: 0)
    let joined = peak.joined(other)
    #expect(joined.fp32 == 2 * peak.fp32 && joined.bandwidth == peak.bandwidth)
  }
}
