import Datasets
import Foundation
import Testing

@Suite struct CacheTests {
  static let lines =
    "{\"prompt\":\"ab\",\"completion\":\"c\"}\n{\"prompt\":\"d\",\"completion\":\"ef\"}\n"

  @Test func secondBuildReadsTheCache() throws {
    let folder = try Folder()
    let source = DatasetSource(path: try folder.file("a.jsonl", Self.lines))
    let first = try folder.builder(source).build()
    let second = try folder.builder(source).build()
    #expect(first.cacheState == .built && second.cacheState == .reused)
    #expect(first.train.sequences == second.train.sequences)
    #expect(first.counts == second.counts)
    // The same bytes elsewhere are the same data; messages name the present file.
    let moved = DatasetSource(path: try folder.file("moved.jsonl", Self.lines))
    let third = try folder.builder(moved).build()
    #expect(third.cacheState == .reused)
    #expect(third.train.origin(ofSample: 1).hasSuffix("moved.jsonl:2"))
  }

  @Test func everyFlippedByteIsNoticed() throws {
    let folder = try Folder()
    let source = DatasetSource(path: try folder.file("a.jsonl", Self.lines))
    let original = try folder.builder(source).build()
    let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: original.cachePath)))
    for position in bytes.indices {
      var broken = bytes
      broken[position] ^= UInt8(1 << (position % 8))
      try Data(broken).write(to: URL(fileURLWithPath: original.cachePath), options: .atomic)
      let rebuilt = try folder.builder(source).build()
      guard case .rebuilt(let reason) = rebuilt.cacheState else {
        Issue.record("byte \(position) was not noticed")
        continue
      }
      #expect(!reason.isEmpty)
      #expect(rebuilt.train.sequences == original.train.sequences)
    }
    #expect(try [UInt8](Data(contentsOf: URL(fileURLWithPath: original.cachePath))) == bytes)
  }

  @Test func tornAndForeignFilesAreRebuilt() throws {
    let folder = try Folder()
    let source = DatasetSource(path: try folder.file("a.jsonl", Self.lines))
    let original = try folder.builder(source).build()
    let url = URL(fileURLWithPath: original.cachePath)
    let bytes = try [UInt8](Data(contentsOf: url))
    let other = try folder.builder(source, settings: DatasetSettings(maximumLength: 99)).build()
    let foreign = try [UInt8](Data(contentsOf: URL(fileURLWithPath: other.cachePath)))
    var files = stride(from: 0, to: bytes.count, by: 7).map { Array(bytes[..<$0]) }
    files += [bytes + [0], bytes + bytes, Array("garbage".utf8), foreign]
    // Sizes at the limits of their range.
    for field in 0..<3 {
      var broken = bytes
      for byte in 0..<8 { broken[bytes.count - 88 + 8 * field + byte] = 0xFF }
      files.append(broken)
    }
    for file in files {
      try Data(file).write(to: url, options: .atomic)
      let rebuilt = try folder.builder(source).build()
      guard case .rebuilt = rebuilt.cacheState else {
        Issue.record("a file of \(file.count) bytes was taken")
        continue
      }
      #expect(rebuilt.train.sequences == original.train.sequences)
    }
  }

  @Test func whateverDecidesTheTokensChangesTheFile() throws {
    let folder = try Folder()
    let source = DatasetSource(path: try folder.file("a.jsonl", Self.lines))
    let changed = DatasetSource(
      path: try folder.file("b.jsonl", Self.lines.replacingOccurrences(of: "ef", with: "eg")))
    let typed = DatasetSource(path: source.path, type: .completion)
    let sliced = DatasetSource(path: source.path, split: try DatasetSplit(parsing: "train[:1]"))
    var chat = folder.builder(source)
    chat.chat = ChatML(fingerprint: "other")
    let builders = [
      folder.builder(source), folder.builder(changed), folder.builder(typed),
      folder.builder(sliced), chat, folder.builder(source, source),
      folder.builder(source, tokenizer: ByteTokenizer(fingerprint: "other")),
      folder.builder(source, tokenizer: ByteTokenizer(beginsWithBOS: false)),
      folder.builder(source, settings: DatasetSettings(maximumLength: 64)),
      folder.builder(source, settings: DatasetSettings(excessLengthStrategy: .drop)),
      folder.builder(source, settings: DatasetSettings(trainOnInputs: true)),
      folder.builder(source, settings: DatasetSettings(parsesSpecialInText: true)),
    ]
    let paths = try builders.map { builder in
      let data = try builder.build()
      #expect(data.cacheState == .built)
      return data.cachePath
    }
    #expect(Set(paths).count == builders.count)
    // What only arranges samples does not.
    let arranged = DatasetSettings(packing: false, validation: .count(1), seed: 7)
    #expect(try folder.builder(source, settings: arranged).build().cacheState == .reused)
  }

  @Test func progressRisesAndCancellingLeavesNothing() throws {
    let folder = try Folder()
    let source = DatasetSource(
      path: try folder.file("a.jsonl", String(repeating: Self.lines, count: 500)))
    var polls = 0
    let error = #expect(throws: DatasetError.self) {
      try folder.builder(source).build(isCancelled: {
        polls += 1
        return polls > 300
      })
    }
    #expect(error == .cancelled && polls == 301)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/cache").isEmpty)
    var fractions: [Double] = []
    _ = try folder.builder(source).build(progress: { fractions.append($0) })
    #expect(fractions == fractions.sorted() && fractions.last == 1 && fractions.count > 100)
    #expect(fractions.allSatisfy { (0...1).contains($0) })
  }
}
