import Datasets
import Testing

@Suite struct LengthBinTests {
  /// Every length is counted once, in the one bin that holds it.
  @Test(arguments: [1, 2, 31, 32, 33, 64, 65, 160, 161, 512, 1_048_576])
  func everyLengthHasOneBin(longest: Int) {
    let lengths = (0..<500).map { 1 + $0 * 7919 % longest } + [longest]
    let bins = LengthBin.count(lengths)
    #expect((1...32).contains(bins.count))
    for bin in bins {
      #expect(bin.samples == lengths.count { (bin.least...bin.greatest).contains($0) })
    }
    #expect(bins.reduce(0) { $0 + $1.samples } == lengths.count)
    let width = bins[0].greatest - bins[0].least + 1
    #expect(bins.allSatisfy { $0.samples > 0 && $0.greatest - $0.least + 1 == width })
    #expect(bins.allSatisfy { $0.greatest % width == 0 })
    #expect(zip(bins, bins.dropFirst()).allSatisfy { $0.greatest < $1.least })
  }

  @Test func noLengthsNoBins() { #expect(LengthBin.count([]).isEmpty) }
}
