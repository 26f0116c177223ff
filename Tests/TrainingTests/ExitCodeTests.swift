import DecoderModel
import ExitCodes
import Testing
import Training

/// All ranks leave with the code of the one that failed, whatever module its error comes from.
@Suite struct ExitCodeTests {
  @Test func ofRankZeroIsThatOfAll() throws {
    let error = ModelFileError.faults(path: "base", ["broken"])
    let codes = try onRanks(2) { rank in
      do {
        try rank.onRankZero { throw error }
        return Int32(0)
      } catch { return error.programExitCode }
    }
    #expect(codes == [65, 65])
  }

  @Test func unknownErrorsAreUnexpected() {
    struct Unknown: Error {}
    #expect(Unknown().programExitCode == 1)
    #expect((DecoderError.emptySequence as any Error).programExitCode == 65)
  }
}
