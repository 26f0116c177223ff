import Checkpoints
import Foundation
import Synchronization
import TestSupport
import Testing

@Suite struct StagedDirectoryTests {
  private let folder: TemporaryFolder
  private let path: String

  init() throws {
    folder = try TemporaryFolder()
    path = folder("out")
  }

  private func make(_ text: String, overwrite: Bool = true) throws {
    let staged = try StagedDirectory(path: path, overwrite: overwrite) { _ in true }
    try AtomicFile.write(text, to: staged.temporary + "/file")
    try staged.commit()
  }

  private var content: String? { try? String(contentsOfFile: path + "/file", encoding: .utf8) }

  /// Somebody who looks all the time always finds one of both directories. (File systems that
  /// cannot exchange two names have a moment without.)
  @Test func nameIsNeverWithoutADirectory() throws {
    try make("0")
    try Folder.make(folder("a"))
    try Folder.make(folder("b"))
    guard try Folder.exchange(folder("a"), folder("b")) else { return }
    let isDone = Atomic(false)
    let gaps = Atomic(0)
    let (watcher, path) = (DispatchGroup(), path)
    watcher.enter()
    Thread.detachNewThread {
      while !isDone.load(ordering: .relaxed) {
        if access(path, F_OK) != 0 { gaps.add(1, ordering: .relaxed) }
      }
      watcher.leave()
    }
    let made = Result { for round in 1...300 { try make("\(round)") } }
    isDone.store(true, ordering: .relaxed)
    watcher.wait()
    try made.get()
    #expect(gaps.load(ordering: .relaxed) == 0)
    #expect(content == "300")
    #expect(Folder.names(in: folder.path) == ["a", "b", "out"])
  }

  /// A fixed temporary name takes the place of what a killed process has left there.
  @Test func replacesByAFixedName() throws {
    let temporary = folder(".out.tmp")
    try Folder.make(temporary)
    try AtomicFile.write("torn", to: temporary + "/torn")
    for text in ["one", "two"] {
      let staged = try StagedDirectory(replacing: path, by: temporary)
      try AtomicFile.write(text, to: staged.temporary + "/file")
      try staged.commit()
      #expect(content == text && Folder.names(in: path) == ["file"])
    }
    do {
      let staged = try StagedDirectory(replacing: path, by: temporary)
      try AtomicFile.write("never", to: staged.temporary + "/file")
    }
    #expect(content == "two" && Folder.names(in: folder.path) == ["out"])
  }

  /// Half-made directories go where their process is gone; those at work and what was replaced
  /// stay.
  @Test func leftovers() throws {
    try make("whole")
    let working = try StagedDirectory(path: path, overwrite: true) { _ in true }
    let (dead, young, other) = (
      folder(".out.1a2b.partial"), folder(".out.new.partial"), folder(".outer.1.partial")
    )
    let replaced = folder(".out.1a2b.partial.old")
    for path in [dead, young, other, replaced] { try Folder.make(path) }
    for path in [dead, other, replaced, working.temporary] {
      let hourAgo = timeval(tv_sec: time(nil) - 3600, tv_usec: 0)
      #expect(utimes(path, [hourAgo, hourAgo]) == 0)
    }
    let found = StagedDirectory.clearLeftovers(of: path + "/")
    #expect(found.removed == [dead] && found.replaced == [replaced])
    #expect(!Folder.exists(dead))
    for path in [working.temporary, young, other, replaced] { #expect(Folder.exists(path)) }
    try working.commit()
  }
}
