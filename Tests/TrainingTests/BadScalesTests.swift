import DecoderModel
import Foundation
import Synchronization
import TestSupport
import Testing
import Training

/// Updates that make scales useless.
@Suite struct BadScalesTests {
  private let files = FileManager.default

  /// Scales that no adapter can hold end the run, in the last step too, and are never saved.
  @Test(arguments: [7, 20], [1, 2])
  func infiniteScalesAreNotSaved(update: Int, ranks: Int) throws {
    let folder = try TemporaryFolder()
    let run = toy(folder) {
      $0.ranks = ranks
      $0.scaleFaults = (update, ScaleFaults(notFinite: 2))
      $0.config.saveSteps = 1
    }
    let error = #expect(throws: TrainingError.self) { try run() }
    #expect(error?.exitCode == 3)
    #expect("\(String(describing: error))".contains("step \(update): the update made 2 scales"))
    let root = folder("run")
    let latest = try String(contentsOfFile: root + "/latest", encoding: .utf8)
    #expect(latest == "checkpoint-\(update - 1)\n")
    #expect(!files.fileExists(atPath: root + "/checkpoint-\(update)"))
    #expect(!files.fileExists(atPath: root + "/adapter_model.safetensors"))
  }

  /// New signs and zeros are warned of once, and again when they have doubled.
  @Test func newSignsAreWarnedOf() throws {
    let folder = try TemporaryFolder()
    let told = Mutex<[String]>([])
    _ = try toy(folder) {
      $0.scaleFaults = (5, ScaleFaults(flipped: 3, zeroed: 1))
      $0.ranks = 2
    }(report: { event in
      if case .notice(let text) = event, text.contains("another sign") {
        told.withLock { $0.append(text) }
      }
    })
    let texts = told.withLock { $0 }
    #expect(texts.count == 1)
    #expect(texts.first?.hasPrefix("warning: after step 5, 3 scales have another sign") == true)
  }
}
