internal import Machine

extension Communicator {
  /// What comes in from the rank before while all ranks send to the next: the pattern of a large
  /// all-reduce. Nil for one rank. The best of some rounds, because other work disturbs.
  ///
  /// - Parameter bytes: of a large message.
  package func measureRing(
    bytes: Int
  ) throws(CommunicatorError) -> (latency: Double, bytesPerSecond: Double)? {
    guard size > 1 else { return nil }
    // Freed after success only: after a time-out MPI still owns it.
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 2 * bytes, alignment: 64)
    memory.initializeMemory(as: UInt8.self, repeating: 0)
    func best(_ rounds: Int, _ count: Int) throws(CommunicatorError) -> Double {
      var best = Double.infinity
      for _ in 0..<rounds {
        try barrier()
        let began = Stopwatch.now()
        try shift(
          UnsafeMutableRawBufferPointer(rebasing: memory[..<count]),
          UnsafeMutableRawBufferPointer(rebasing: memory[bytes..<bytes + count]), "ring test")
        best = min(best, Stopwatch.now() - began)
      }
      return best
    }
    let latency = try best(10, 8)
    let seconds = try best(3, bytes)
    memory.deallocate()
    return (latency, Double(bytes) / max(seconds, 1e-9))
  }
}
