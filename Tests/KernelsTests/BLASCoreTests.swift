import Kernels
import Testing

@Suite struct BLASCoreTests {
  @Test(arguments: ["Haswell", "Zen", "Excavator", "Prescott", "Sandybridge"])
  func oldKernelsOnANewCPUAreReplaced(chosen: String) {
    func better(_ hasAVX512: Bool, _ environment: [String: String]) -> String? {
      BLAS.betterCore(than: chosen, hasAVX512: hasAVX512, environment: environment)
    }
    #expect(better(true, [:]) == "SkylakeX")
    #expect(better(false, [:]) == nil)
    #expect(better(true, ["OPENBLAS_CORETYPE": "Haswell"]) == nil, "the user's choice stands")
  }

  @Test(arguments: ["SkylakeX", "Cooperlake", "SapphireRapids"])
  func goodChoicesStand(chosen: String) {
    #expect(BLAS.betterCore(than: chosen, hasAVX512: true, environment: [:]) == nil)
  }
}
