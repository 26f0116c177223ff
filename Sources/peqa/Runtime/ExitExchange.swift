internal import Collectives
internal import Foundation

/// The last thing that ranks do together: they tell each other how they have ended.
enum ExitExchange {
  /// Leaves MPI together with all other ranks, and the process too unless all of them are well.
  ///
  /// A rank that failed alone, while the others are still at work, ends them after 5 s.
  static func leave(_ error: (any Error)?, _ communicator: Communicator, _ console: Console) {
    let failure = error.map(Failure.init)
    let own = RankExit(
      code: failure?.code ?? 0, prefix: console.prefix, text: failure?.text ?? "")
    if let error = error as? CommunicatorError { leaveAlone(error, communicator, console) }
    do {
      // Those who are well wait as long as the others work; MPI_Finalize would do the same.
      let patience = own.code == 0 ? Double.infinity : 5
      let all = try communicator.exchangeExits(own.bytes, patience: patience)
        .map(RankExit.init(bytes:))
      if communicator.rank == 0 {
        for exit in RankExit.summary(all) { console.fail(exit.text, prefix: exit.prefix) }
      }
      try communicator.finish()
      if let code = all.map(\.code).max(), code != 0 { exit(code) }
    } catch {
      if !own.text.isEmpty { console.fail(own.text) }
      if own.code == 0 { leaveAlone(error, communicator, console) }
      // The launcher drops what it has not read when it ends the job.
      usleep(200_000)
      communicator.abort(own.code)
    }
  }

  /// Leaves without the others where one of them is lost; returns for all other errors.
  private static func leaveAlone(
    _ error: CommunicatorError, _ communicator: Communicator, _ console: Console
  ) {
    switch error {
    case .timedOut(let stall):
      // One rank speaks, the others wait until it has; all leave with the same code.
      if stall.isSpeaker { console.fail("\(error)") }
      communicator.leaveUnfinished(error.exitCode, after: stall.isSpeaker ? 0.3 : 3)
    case .interrupted: communicator.leaveUnfinished(error.exitCode)
    default: break
    }
  }
}
