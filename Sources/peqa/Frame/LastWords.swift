internal import Collectives
internal import Foundation

/// How a rank has ended, as it tells the others, so that all leave with the same exit code.
package struct LastWords: Equatable {
  /// 0: all is well.
  package var code: Int32
  /// `[rank 3 node7] ` where there are several ranks.
  package var prefix = ""
  /// Why; empty where nothing is left to say.
  package var text = ""

  package var bytes: [UInt8] {
    withUnsafeBytes(of: code.littleEndian) { Array($0) } + Array("\(prefix)\0\(text)".utf8)
  }

  package init(code: Int32, prefix: String = "", text: String = "") {
    (self.code, self.prefix, self.text) = (code, prefix, text)
  }

  package init(bytes: [UInt8]) {
    code = bytes.prefix(4).reversed().reduce(0) { $0 << 8 | Int32($1) }
    let parts = bytes.dropFirst(4).split(
      separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    prefix = String(decoding: parts.first ?? [], as: UTF8.self)
    text = String(decoding: parts.dropFirst().first ?? [], as: UTF8.self)
  }

  /// What rank 0 prints for all: each text once, with the name of the first rank that says it, or
  /// with none where all say the same.
  package static func summary(_ all: [LastWords]) -> [LastWords] {
    var seen: Set<String> = [""]
    let different = all.filter { seen.insert($0.text).inserted }
    let isUnanimous = different.count == 1 && all.allSatisfy { $0.text == all[0].text }
    return isUnanimous
      ? different.map { LastWords(code: $0.code, text: $0.text) } : different
  }

  /// Leaves MPI together with all other ranks, and the process too unless all of them are well.
  ///
  /// A rank that failed alone, while the others are still at work, ends them after 5 s.
  static func leave(_ error: (any Error)?, _ communicator: Communicator, _ console: Console) {
    let failure = error.map(Failure.init)
    let own = LastWords(
      code: failure?.code ?? 0, prefix: console.prefix, text: failure?.text ?? "")
    if let error = error as? CommunicatorError { leaveAlone(error, communicator, console) }
    do {
      // Those who are well wait as long as the others work; MPI_Finalize would do the same.
      let patience = own.code == 0 ? Double.infinity : 5
      let all = try communicator.exchangeLastWords(own.bytes, patience: patience)
        .map(LastWords.init(bytes:))
      if communicator.rank == 0 {
        for words in summary(all) { console.fail(words.text, prefix: words.prefix) }
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
