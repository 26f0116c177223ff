internal import CMPI
internal import Foundation

extension Communicator {
  /// Starts one non-blocking collective and polls until it has ended.
  ///
  /// Polling also drives it: Open MPI makes no progress outside MPI calls. After 5 ms the polls are
  /// spaced by short naps, so that a rank that waits for a slower one leaves it the cores.
  ///
  /// - Parameter bytesSent: this rank's share, for `traffic`.
  func complete(
    _ collective: String, bytesSent: Int,
    start: (MPI_Comm, UnsafeMutablePointer<MPI_Request>) -> Int32
  ) throws(CommunicatorError) {
    guard let channel else { return }
    let began = monotonicSeconds()
    defer { traffic.seconds += monotonicSeconds() - began }
    traffic.calls += 1
    traffic.bytesSent += bytesSent
    var request: MPI_Request = peqa_mpi_request_null()
    try check(start(channel, &request), collective)
    while true {
      var done: Int32 = 0
      try check(peqa_mpi_test(&request, &done), collective)
      if done != 0 { return }
      let waited = monotonicSeconds() - began
      if waited > timeout {
        throw .timedOut(
          collective: collective, seconds: timeout, rank: rank, hostName: hostName)
      }
      if waited < 0.005 { sched_yield() } else { usleep(50) }
    }
  }

  /// Waits until every rank has come here.
  package func barrier() throws(CommunicatorError) {
    try complete("barrier", bytesSent: 0) { peqa_mpi_start_barrier($0, $1) }
  }
}

private func monotonicSeconds() -> Double {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
}
