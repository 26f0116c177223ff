import DecoderModel
import Kernels
import Planning
import Testing

/// Contexts that do not fit into memory are refused before anything is allocated.
@Suite struct ContextMemoryTests {
  private func memory(_ available: Int?) throws -> ContextMemory {
    ContextMemory(
      config: try #require(DecoderConfig.preset(named: "llama-7b")),
      compute: Compute(pool: WorkerPool(threads: 1)), available: available)
  }

  @Test func longestContextFitsAndTheNextDoesNot() throws {
    let memory = try memory(8 << 30)
    let longest = memory.longest(upTo: 1 << 30)
    #expect(longest > 1000 && longest < 1 << 20)
    #expect(memory.needed(longest) <= 8 << 30 && memory.needed(longest + 1) > 8 << 30)
    #expect(memory.longest(upTo: 100) == 100)
    try memory.require(longest, prompt: 10)
    let error = #expect(throws: ContextMemoryError.self) {
      try memory.require(longest + 1, prompt: 10)
    }
    #expect(error?.exitCode == 71)
    #expect(error?.newTokens == longest - 10)
    #expect(error.map { "\($0)".contains("--max-new-tokens to \(longest - 10) or less") } == true)
  }

  @Test func nothingFitsOrNothingIsKnown() throws {
    #expect(try memory(0).longest(upTo: 5) == 0)
    #expect(try memory(nil).longest(upTo: 1 << 30) == 1 << 30)
  }
}
