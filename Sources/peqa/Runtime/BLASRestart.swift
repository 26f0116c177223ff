internal import Foundation
internal import Kernels

/// Starts this program anew where OpenBLAS took slow kernels for this CPU (see `BLAS.betterCore`).
enum BLASRestart {
  /// Says that this process is the second try: there is no third.
  private static let guardVariable = "PEQA_BLAS_RESTARTED"

  /// Must come before anything else, above all before MPI: the process keeps its number and its
  /// arguments, and loses everything else. Where it fails the run goes on, only slower.
  static func restartIfUseful() {
    let environment = ProcessInfo.processInfo.environment
    guard environment[guardVariable] == nil,
      let core = BLAS.betterCore(environment: environment)
    else { return }
    setenv(BLAS.coreVariable, core, 1)
    setenv(guardVariable, "1", 1)
    execv("/proc/self/exe", CommandLine.unsafeArgv)
    unsetenv(BLAS.coreVariable)
  }
}
