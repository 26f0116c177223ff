/// Whether a base is streamed from disk, block by block.
package enum StreamingMode: String, CaseIterable, Sendable {
  /// Where it does not fit into memory.
  case auto
  case on, off
}
