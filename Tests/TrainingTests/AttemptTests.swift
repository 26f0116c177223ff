import Datasets
import Foundation
import JSONText
import RunHistory
import Synchronization
import TestSupport
import Testing
import Training

/// What `run.json` says of the attempts at a run.
@Suite struct AttemptTests {
  private func lives(_ folder: TemporaryFolder) throws -> [RunLife] {
    let record = try RunRecord(folder: folder("run"))
    for life in record.lives { #expect(life.started != nil && life.totalSteps == 20) }
    return record.lives
  }

  @Test func everyAttemptSaysHowItEnded() throws {
    let folder = try TemporaryFolder()
    var run = ToyRun(folder("run"))
    run.stopAfter = 20
    _ = try run()
    let first = try #require(try lives(folder).first?.end)
    #expect(first.reason == .stopped && first.cause == "a signal asked for it")
    #expect(try RunRecord(folder: folder("run")).state() == .stopped)
    run.stopAfter = nil
    _ = try run()
    let both = try lives(folder)
    #expect(both.map { $0.end?.reason } == [.stopped, .complete])
    #expect(both.map(\.firstStep) == [0, first.step])
    #expect(both[1].end?.step == 20 && both[0].end == first)
    let record = try RunRecord(folder: folder("run"))
    #expect(record.state() == .finished)
    #expect(record.results?.adapterDigest.count == 64)
  }

  @Test func anErrorIsTheCause() throws {
    let folder = try TemporaryFolder()
    var run = ToyRun(folder("run"))
    run.poison = ToyData(count: 23).sequence(at: 11).tokens[0]
    let error = #expect(throws: TrainingError.self) { try run() }
    let end = try #require(try lives(folder).first?.end)
    let text = try #require(error.map { "\($0)" })
    #expect(end.reason == .failed && end.cause == text)
    #expect(try RunRecord(folder: folder("run")).state() == .failed)
  }

  /// Who is told of an end can read it in `run.json`; an attempt that touched nothing has none.
  @Test func anEndIsToldOnceItIsWritten() throws {
    let folder = try TemporaryFolder()
    let told = Mutex<[RunEnd]>([])
    var run = ToyRun(folder("run"))
    run.config.stopAtStep = 6
    func start() throws {
      _ = try run(report: { event in
        guard case .ended(let end) = event else { return }
        #expect((try? RunRecord(folder: folder("run")))?.life?.end?.reason == end.reason)
        told.withLock { $0.append(end) }
      })
    }
    try start()
    run.config.stopAtStep = 0
    try folder.put("run/report.json", "{}")
    try start()
    #expect(!FileManager.default.fileExists(atPath: folder("run/report.json")))
    // All steps are done: there is nothing to begin.
    #expect(throws: TrainingError.self) { try start() }
    #expect(told.withLock { $0.map(\.reason) } == [.stopped, .complete])
    #expect(told.withLock { $0.first?.cause } == "stop_at_step was reached")
  }

  /// Attempts that did not come to a checkpoint are not forgotten.
  @Test func startsFromTheBeginningAreKept() throws {
    let folder = try TemporaryFolder()
    var run = ToyRun(folder("run"))
    run.config.saveSteps = 0
    run.config.saveInterval = 0
    run.poison = ToyData(count: 23).sequence(at: 11).tokens[0]
    #expect(throws: TrainingError.self) { try run() }
    run.poison = nil
    _ = try run()
    #expect(try lives(folder).map(\.firstStep) == [0, 0])
    #expect(try lives(folder).map { $0.end?.reason } == [.failed, .complete])
  }
}
