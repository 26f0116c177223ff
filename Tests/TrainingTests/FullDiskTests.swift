import ExitCodes
import Foundation
import Synchronization
import TestSupport
import Testing
import Training

/// A small file system in memory.
private struct SmallDisk {
  struct Refused: Error {}
  private let path: String

  /// - Parameter path: of a folder, which is made where it is missing.
  init(at path: String, size: String) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    guard mount("tmpfs", path, "tmpfs", 0, "size=\(size)") == 0 else { throw Refused() }
    self.path = path
  }

  func remove() { umount2(path, Int32(MNT_DETACH)) }

  static let isPossible: Bool = {
    guard let folder = try? TemporaryFolder(),
      let disk = try? SmallDisk(at: folder.path, size: "4k")
    else { return false }
    disk.remove()
    return true
  }()
}

/// Files that cannot be written while a run goes on.
@Suite struct FullDiskTests {
  private let files = FileManager.default

  /// Leaves less room on a disk than one more checkpoint needs.
  private func fill(_ disk: String) {
    let filler = disk + "/filler"
    _ = files.createFile(atPath: filler, contents: nil)
    let room = (try? files.attributesOfFileSystem(forPath: disk)[.systemFreeSize] as? Int) ?? 0
    _ = files.createFile(atPath: filler, contents: Data(count: max(0, room - 4096)))
  }

  /// A disk that is full for a while: training goes on, says so, and ends with the same bytes.
  /// Needs root, to mount a small file system.
  @Test(.enabled(if: SmallDisk.isPossible, "mounting needs root"))
  func fullDiskForAWhile() throws {
    let folder = try TemporaryFolder()
    let whole = try toy(folder) { $0.config.outputDirectory = folder("whole") }()
    let disk = folder("run")
    let mounted = try SmallDisk(at: disk, size: "300k")
    defer { mounted.remove() }
    let notices = Mutex<[String]>([])
    let saved = Mutex<[Int]>([])
    let result = try toy(folder) {
      $0.ranks = 2
      $0.config.saveTotalLimit = 2
      $0.config.evalSteps = 0
    }(report: { event in
      switch event {
      case .saved(let path):
        saved.withLock {
          $0 += path.split(separator: "-").last.flatMap { Int($0) }.map { [$0] } ?? []
        }
        if path.hasSuffix("checkpoint-6") { fill(disk) }
      case .notice(let text) where text.contains("could not be saved"):
        notices.withLock { $0.append(text) }
        let latest = try? String(contentsOfFile: disk + "/latest", encoding: .utf8)
        #expect(latest == "checkpoint-6\n")
        #expect(!files.fileExists(atPath: disk + "/.checkpoint-9.tmp"))
        try? files.removeItem(atPath: disk + "/filler")
      default: break
      }
    })
    let told = notices.withLock { $0 }
    #expect(told.count == 1)
    #expect(told.first?.hasPrefix("warning: checkpoint-9 could not be saved: ") == true)
    // The next step tries again, not only the next multiple of save_steps.
    #expect(saved.withLock { $0 } == [3, 6, 10, 12, 15, 18, 20])
    #expect(result.adapter == whole.adapter)
    #expect(result.losses.keys.sorted() == Array(1...20))
  }

  /// A disk that stays full: the last save cannot be done without, 74; the earlier checkpoint
  /// stays, and with room again the run goes on to the same bytes.
  @Test(.enabled(if: SmallDisk.isPossible, "mounting needs root"))
  func fullDisk() throws {
    let folder = try TemporaryFolder()
    let whole = try toy(folder) { $0.config.outputDirectory = folder("whole") }()
    let disk = folder("run")
    let mounted = try SmallDisk(at: disk, size: "160k")
    defer { mounted.remove() }
    let error = #expect(throws: (any Error).self) {
      try toy(folder) {
        $0.ranks = 2
        $0.config.evalSteps = 0
      }(report: { event in
        guard case .saved(let path) = event, path.hasSuffix("checkpoint-6") else { return }
        fill(disk)
      })
    }
    #expect(error?.programExitCode == 74)
    let latest = try String(contentsOfFile: disk + "/latest", encoding: .utf8)
    #expect(latest == "checkpoint-6\n")
    #expect(!files.fileExists(atPath: disk + "/.checkpoint-9.tmp"))
    try files.removeItem(atPath: disk + "/filler")
    let again = try toy(folder) {
      $0.config.saveTotalLimit = 1
      $0.config.evalSteps = 0
    }()
    #expect(again.adapter == whole.adapter)
  }

  /// A `best/` that cannot be written costs a warning; the next better one takes its place.
  @Test(arguments: [1, 3]) func bestCannotBeWritten(ranks: Int) throws {
    let folder = try TemporaryFolder()
    let whole = try toy(folder) { $0.config.outputDirectory = folder("whole") }()
    try files.createDirectory(atPath: folder("run"), withIntermediateDirectories: false)
    let obstacle = folder("run/best")
    try Data().write(to: URL(fileURLWithPath: obstacle))
    let told = Mutex(0)
    let result = try toy(folder) { $0.ranks = ranks }(report: { event in
      guard case .notice(let text) = event, text.contains("best adapter so far, of step 4") else {
        return
      }
      told.withLock { $0 += 1 }
      try? files.removeItem(atPath: obstacle)
    })
    #expect(told.withLock { $0 } == 1)
    #expect(result.adapter == whole.adapter)
    #expect(result.evaluations == whole.evaluations)
    #expect(files.fileExists(atPath: obstacle + "/adapter_model.safetensors"))
  }
}
