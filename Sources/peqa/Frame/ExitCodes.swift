internal import ArgumentParser
internal import Checkpoints
internal import Collectives
internal import Datasets
internal import DecoderModel
internal import Evaluation
internal import Quantization
internal import Tokenization
internal import Training

/// An error that knows the program's exit code.
///
/// The codes are those of sysexits.h and a few more: 0 ok, 1 unexpected, 3 diverged or non-finite,
/// 64 usage, 65 bad data, 66 input missing, 69 MPI or launcher wrong, 70 internal bug, 71 and 74
/// system or I/O, 73 output exists or is locked, 75 saved, start me again, 77 permission, 78 bad
/// configuration, 130 INT, 143 TERM.
///
/// The protocol stands here and not in a module of its own: leaf modules then need nothing but a
/// property `exitCode`, and this list shows every error that has a code. A module with a new error
/// enum adds one line.
protocol ExitCoded: Error {
  var exitCode: Int32 { get }
}

extension CheckpointError: ExitCoded {}
extension CommunicatorError: ExitCoded {}
extension DatasetError: ExitCoded {}
extension DecoderError: ExitCoded {}
extension EvaluationError: ExitCoded {}
extension ExactSumError: ExitCoded {}
extension ModelFileError: ExitCoded {}
extension QuantizationError: ExitCoded {}
extension TokenizationError: ExitCoded {}
extension TrainingError: ExitCoded {}

/// How an error is shown and what the program returns for it.
struct Failure {
  let code: Int32
  /// Empty where everything has been said.
  let text: String

  init(_ error: any Error) {
    switch error {
    // The rank that failed says why.
    case TrainingError.otherRank(_, let code), EvaluationError.otherRank(let code):
      (self.code, text) = (code, "")
    case let error as any ExitCoded: (code, text) = (error.exitCode, "\(error)")
    case let error as ExitCode: (code, text) = (error.rawValue, "")
    default: (code, text) = (Peqa.exitCode(for: error).rawValue, Peqa.message(for: error))
    }
  }
}
