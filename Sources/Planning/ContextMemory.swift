package import DecoderModel
internal import Evaluation
internal import ExitCodes
package import Kernels
internal import Reporting
internal import Training

/// Whether keys and values of a context fit into the free memory, before they are asked for.
package struct ContextMemory {
  package let config: DecoderConfig
  package let compute: Compute
  /// Bytes; nil where the system does not say, and then everything fits.
  package let available: Int?

  package init(config: DecoderConfig, compute: Compute, available: Int?) {
    (self.config, self.compute, self.available) = (config, compute, available)
  }

  /// Bytes that a generation over `tokens` needs at most.
  package func needed(_ tokens: Int) -> Int {
    MemoryPlan.forwardBytes(
      config, length: min(tokens, TokenGenerator.promptChunk), cached: tokens,
      compute: compute)
  }

  /// The longest context of at most `tokens` that fits; 0 where none does.
  package func longest(upTo tokens: Int) -> Int {
    guard let available else { return tokens }
    var (fits, wanted) = (0, tokens)
    while fits < wanted {
      let middle = fits + (wanted - fits + 1) / 2
      if needed(middle) <= available { fits = middle } else { wanted = middle - 1 }
    }
    return fits
  }

  /// Throws where a context that was asked for does not fit.
  package func require(_ tokens: Int, prompt: Int) throws {
    let fits = longest(upTo: tokens)
    guard fits < tokens else { return }
    throw ContextMemoryError(
      tokens: tokens, needed: needed(tokens), available: available ?? 0,
      newTokens: max(0, fits - prompt))
  }
}

/// A context larger than memory.
package struct ContextMemoryError: ExitCoded, Equatable, CustomStringConvertible {
  var tokens: Int
  /// Bytes.
  var needed: Int
  var available: Int
  /// New tokens that would fit behind the prompt.
  package var newTokens: Int

  package var exitCode: Int32 { 71 }

  package var description: String {
    "a context of \(tokens) tokens needs \(megabytes(needed)) of memory, and \(megabytes(available)) "
      + "are free. "
      + (newTokens > 0
        ? "Set --max-new-tokens to \(newTokens) or less, or free memory."
        : "Free memory, or give a shorter prompt.")
  }
}
