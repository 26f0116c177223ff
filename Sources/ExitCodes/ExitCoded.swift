/// An error that knows the exit code of the program.
///
/// The codes are those of sysexits.h and a few more: 0 ok, 1 unexpected, 3 diverged or non-finite,
/// 64 usage, 65 bad data, 66 input missing, 69 MPI or launcher wrong, 70 internal bug, 71 and 74
/// system or I/O, 73 output exists or is locked, 75 saved, start me again, 77 permission, 78 bad
/// configuration, 130 INT, 143 TERM.
///
/// The error enum of every module conforms. So whoever ends a run, or tells other ranks how it has
/// ended, needs no list of error types.
package protocol ExitCoded: Error {
  var exitCode: Int32 { get }
}

extension Error {
  /// The code of an error that has one; 1, unexpected, for all others.
  package var programExitCode: Int32 { (self as? any ExitCoded)?.exitCode ?? 1 }
}
