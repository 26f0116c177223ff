/// One parser under search: reads any bytes, and what it makes of them is used as a run would.
///
/// A typed error is a good answer. A trap, a hang beyond the time limit, memory beyond the limit
/// and a broken promise (`require`) are finds.
package struct FuzzTarget: Sendable {
  package let name: String
  /// Bytes of the longest input worth trying; longer ones only cost time.
  package let maximumSize: Int
  /// Inputs to begin with; those longer than `maximumSize` are left out.
  package let seeds: @Sendable () throws -> [[UInt8]]
  /// Words of the language that a search would hardly find by itself.
  package var words: [String] = []
  package let read: @Sendable (UnsafeRawBufferPointer) throws -> Void

  package func run(_ bytes: UnsafeRawBufferPointer) {
    do { try read(bytes) } catch {
      // What a user would see is part of what is tried.
      require(!"\(error)".isEmpty, "an error without text")
    }
  }

  package static let all: [FuzzTarget] = [
    json, safetensors, gguf, tokenizerJSON, sentencePiece, template, runFile, sweepFile,
    clusterFile,
    baseManifest, modelConfig, quantizedModel, tokenCache, teacherShard, checkpoint, adapter,
    datagram,
  ]
}

/// Ends the process where a promise of a parser does not hold, so that libFuzzer keeps the input.
func require(_ holds: Bool, _ promise: String) {
  precondition(holds, promise)
}
