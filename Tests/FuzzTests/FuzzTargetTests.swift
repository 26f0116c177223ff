import FuzzTargets
import Kernels
import TestSupport
import Testing

/// The parsers under search, with a few inputs: `launch/fuzz` searches for hours.
@Suite struct FuzzTargetTests {
  /// A promise that does not hold ends the process, as libFuzzer wants it.
  @Test(arguments: FuzzTarget.all.map(\.name))
  func goodInputsAreReadAndBrokenOnesAreRefused(name: String) throws {
    let target = try #require(FuzzTarget.all.first { $0.name == name })
    let seeds = try target.seeds().filter { $0.count <= target.maximumSize }
    // Behind seeds that are all refused a search would find nothing.
    #expect(seeds.contains { seed in (try? seed.withUnsafeBytes(target.read)) != nil })
    var numbers = SplitMix64(seed: 1)
    for index in 0..<200 {
      let bytes = seeds[index % seeds.count].mutated(&numbers)
      bytes.withUnsafeBytes(target.run)
    }
  }
}
