/// What one rank has exchanged with the others.
package struct Traffic: Sendable, Equatable {
  /// Collectives begun.
  package var calls = 0
  /// Bytes that a bandwidth-optimal algorithm makes each rank send: for an all-reduce 2 (P-1)/P of
  /// its buffer. An estimate: what the library really sends is not visible here.
  package var bytesSent = 0
  /// Seconds spent in collectives, waiting for slower ranks included.
  package var seconds = 0.0

  package init() {}
}
