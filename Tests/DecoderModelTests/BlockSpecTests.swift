import DecoderModel
import Testing

/// What is derived from the choices of a block.
@Suite struct BlockSpecTests {
  @Test func positionsAreThoseOfTheList() {
    for block in [
      BlockSpec(), BlockSpec { $0.isGated = false },
      BlockSpec { $0.experts = BlockSpec.Experts(count: 3, perToken: 2) },
    ] {
      #expect(block.linears.count == block.linearCount)
      for (index, role) in block.linears.enumerated() {
        #expect(block.position(of: role) == index, "\(role)")
      }
      let foreign = [LinearRole(.gate), LinearRole(.up, expert: 0), LinearRole(.query, expert: 1)]
        .filter { !block.linears.contains($0) }
      #expect(foreign.allSatisfy { block.position(of: $0) == nil })
    }
  }

  @Test func normsStandWhereTheySay() {
    #expect(BlockSpec().norms == [.input, .postAttention])
    #expect(BlockSpec { $0.sharesNorm = true }.norms == [.input])
    #expect(BlockSpec { $0.placement = .after }.norms == [.attentionOutput, .mlpOutput])
    #expect(
      BlockSpec {
        $0.placement = .both
        $0.queryKeyNorm = .head
      }.norms == [.input, .query, .key, .attentionOutput, .postAttention, .mlpOutput])
  }
}
