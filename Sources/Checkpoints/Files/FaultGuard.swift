internal import CFiles

/// Names the file where a mapping can no longer be read, in place of a bare "bus error".
///
/// A mapped file that is shortened, or whose disk or server fails, raises SIGBUS wherever it is
/// accessed, on any thread. The handler looks the address up among the mappings of `MappedFile`,
/// writes `FILE: was shortened or cannot be read ...` to stderr and ends the process with 74.
/// Faults at other addresses are handled as before.
package enum FaultGuard {
  /// For the whole process; may be called again with other words.
  ///
  /// - Parameter speaker: stands before the name of the file, e.g. `peqa: `.
  package static func install(speaker: String) {
    // Where the system refuses a handler, faults end the process as they would without one.
    _ = peqa_mapping_guard(speaker, CheckpointError.unreadable(path: "").exitCode)
  }
}
