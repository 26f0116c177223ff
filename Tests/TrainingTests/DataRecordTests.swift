import Datasets
import JSONText
import RunHistory
import Testing

/// What data preparation says of itself in `run.json` is what a run is read to have had.
@Suite struct DataRecordTests {
  /// All numbers differ, so that none can stand in for another.
  @Test func countsAreReadAsTheyWereWritten() throws {
    var counts = DatasetCounts()
    (counts.records, counts.samples, counts.tokens, counts.supervisedTokens) = (11, 12, 13, 14)
    (counts.dropped, counts.truncated, counts.unsupervised) = (15, 16, 17)
    counts.lengths = LengthStatistics(Array(1...200))
    counts.sources = [DatasetCounts.Source(type: .chat), DatasetCounts.Source(type: .text)]
    let read = try #require(RunData(counts.json))
    #expect(
      [read.records, read.samples, read.tokens, read.supervisedTokens] == [11, 12, 13, 14])
    #expect([read.dropped, read.truncated, read.unsupervised] == [15, 16, 17])
    #expect(read.types == ["chat", "text"])
    #expect(read.longest == 200)
    let lengths = counts.lengths
    #expect(read.percentiles.map(\.percent) == [50, 95, 99])
    #expect(read.percentiles.map(\.length) == [lengths.p50, lengths.p95, lengths.p99])
    #expect(Set(read.percentiles.map(\.length)).count == 3)
  }
}
