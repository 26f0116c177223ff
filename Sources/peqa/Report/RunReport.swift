internal import Checkpoints
internal import Collectives
internal import DecoderModel
internal import Foundation
internal import JSONText
internal import Reports
internal import RunHistory
internal import Training

/// `report.html` of an attempt at a run that has just ended, in whatever way.
struct RunReport {
  let setup: TrainSetup
  let signals: StopSignals

  static var maker: String { "peqa \(Version.numberAndCommit)" }

  private var folder: String { setup.config.outputDirectory }
  private var console: Console { setup.rank.console }

  /// Writes the page, on rank 0; the others go on. A page is not worth a run: what goes wrong is
  /// said, and no more.
  ///
  /// - Parameter isFinished: else there may be little time, and only what the folder has is shown.
  /// - Returns: its path; nil where there is none.
  func write(isFinished: Bool) -> String? {
    guard setup.rank.communicator.rank == 0 else { return nil }
    let path = "\(folder)/\(RunFile.report)"
    do {
      if isFinished {
        setup.rank.communicator.beginPhase("report")
        try AtomicFile.write(
          findings.json.text(indent: 1) + "\n", to: "\(folder)/\(RunFile.reportData)")
      }
      let record = try RunRecord(folder: folder)
      let findings = RunFindings(of: record)
      try AtomicFile.write(Report([.init(record, findings)], maker: Self.maker).text, to: path)
      return path
    } catch {
      console.warn("no \(RunFile.report): \(error)")
      return nil
    }
  }

  private var findings: RunFindings {
    var findings = RunFindings()
    func trying(_ what: String, _ work: () throws -> Void) {
      do { try work() } catch { console.warn("\(RunFile.report) is without \(what): \(error)") }
    }
    trying("where scales moved") {
      findings.movement = try .init(of: folder, base: setup.config.model)
    }
    trying("what the models make of report_prompts") {
      findings.samples = try PromptSamples(setup, adapter: folder) { signals.received != nil }()
    }
    return findings
  }
}
