import DecoderModel
import Planning
import Testing
import Training

@Suite struct StreamingChoiceTests {
  private func choice(
    _ mode: StreamingMode, available: Int?, limit: Int? = nil, privateBytes: Int = 100
  ) -> StreamingChoice {
    // 1000 bytes, of which 10 blocks of 90 can come and go.
    StreamingChoice(
      mode, fileBytes: 1000, blockBytes: Array(repeating: 90, count: 10),
      privateBytes: privateBytes, available: available, limit: limit)
  }

  @Test func automaticallyOnlyWhereItDoesNotFit() {
    // 1158 - 5 % - 100 = 1001.
    #expect(choice(.auto, available: 1158).plan == nil)
    #expect(choice(.auto, available: 1150).plan?.streamed == 3)
    #expect(choice(.auto, available: nil).plan == nil)
    #expect(choice(.auto, available: 1_000_000, limit: 1150).plan?.streamed == 3)
    #expect(choice(.off, available: 10).plan == nil)
  }

  @Test func whatFitsBesideTheWindowStays() {
    // 700 - 35 - 100 = 565 for the base, 100 of them for what never goes: 465 hold 3 + 2 blocks.
    #expect(choice(.auto, available: 700).plan?.streamed == 7)
    // Nothing fits: all blocks stream.
    #expect(choice(.auto, available: 50).plan?.streamed == 10)
    #expect(choice(.on, available: 1_000_000).plan?.streamed == 10)
    #expect(choice(.on, available: 1_000_000, limit: 700).plan?.streamed == 7)
    #expect(choice(.on, available: 1_000_000, limit: 900_000).plan?.streamed == 0)
  }

  @Test func tellsWhatIsRead() throws {
    #expect(choice(.auto, available: 1_000_000).text == nil)
    let text = try #require(
      StreamingChoice(
        .on, fileBytes: 25_000_000_000, blockBytes: Array(repeating: 300_000_000, count: 80),
        privateBytes: 0, available: nil, limit: 20_000_000_000
      ).text)
    // 19 GB of room - 1 GB fixed - 0.6 GB of window = 17.4 GB: 58 blocks stay.
    #expect(
      text == "base of 25.00 GB is streamed: 22 of 80 blocks, 6.60 GB, are read in each direction; "
        + "18.40 GB stay in memory")
  }
}
