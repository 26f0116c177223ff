import ExitCodes
import Foundation
import Synchronization
import TestSupport
import Testing
import Training

/// An output folder has one run and one owner.
@Suite struct OutputFolderTests {
  private let files = FileManager.default

  @Test func finishedRunIsNotReplaced() throws {
    let folder = try TemporaryFolder()
    let first = try toy(folder)()
    for resume in [ResumeMode.auto, .never] {
      let again = toy(folder) { $0.config.resume = resume }
      let error = #expect(throws: TrainingError.self) { try again() }
      #expect(error?.exitCode == 73)
    }
    let kept = try Data(
      contentsOf: URL(fileURLWithPath: folder("run/adapter_model.safetensors")))
    #expect(Array(kept) == first.adapter)
    let replaced = try toy(folder) {
      $0.config.overwriteOutputDirectory = true
      $0.config.resume = .never
      $0.config.maxSteps = 6
    }()
    #expect(replaced.losses.keys.max() == 6)
    #expect(!files.fileExists(atPath: folder("run/checkpoint-18")))
  }

  /// A second run on the same folder is refused while the first one works.
  @Test func lock() throws {
    let folder = try TemporaryFolder()
    let outcome = Mutex<Int32?>(nil)
    let inner = toy(folder)
    _ = try toy(folder)() { event in
      guard case .saved = event, outcome.withLock({ $0 == nil }) else { return }
      var code: Int32 = 0
      do { _ = try inner() } catch { code = error.programExitCode }
      outcome.withLock { $0 = code }
    }
    #expect(outcome.withLock { $0 } == 73)
  }

  /// A life whose lock was taken over writes nothing more.
  @Test func lostLock() throws {
    let folder = try TemporaryFolder()
    let path = folder("run/.lock")
    let run = toy(folder)
    let error = #expect(throws: TrainingError.self) {
      try run { event in
        guard case .saved = event else { return }
        try? Data("host other\n".utf8).write(to: URL(fileURLWithPath: path))
      }
    }
    #expect(error?.exitCode == 73)
    #expect(files.fileExists(atPath: folder("run/checkpoint-3")))
    #expect(!files.fileExists(atPath: folder("run/checkpoint-6")))
  }
}
