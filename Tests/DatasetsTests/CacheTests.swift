import Checkpoints
import Datasets
import Foundation
import TestSupport
import Testing

@Suite struct CacheTests {
  static let lines =
    "{\"prompt\":\"ab\",\"completion\":\"c\"}\n{\"prompt\":\"d\",\"completion\":\"ef\"}\n"

  @Test func secondBuildReadsTheCache() throws {
    let folder = try TemporaryFolder()
    let source = DatasetSource(path: try folder.put("a.jsonl", Self.lines))
    let first = try folder.builder(source).build()
    let second = try folder.builder(source).build()
    #expect(first.cacheState == .built && second.cacheState == .reused)
    #expect(first.train.sequences == second.train.sequences)
    #expect(first.counts == second.counts)
    // The same bytes elsewhere are the same data; messages name the present file.
    let moved = DatasetSource(path: try folder.put("moved.jsonl", Self.lines))
    let third = try folder.builder(moved).build()
    #expect(third.cacheState == .reused)
    #expect(third.train.origin(ofSample: 1).hasSuffix("moved.jsonl:2"))
  }

  @Test func everyFlippedByteIsNoticed() throws {
    let folder = try TemporaryFolder()
    let source = DatasetSource(path: try folder.put("a.jsonl", Self.lines))
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
    let folder = try TemporaryFolder()
    let source = DatasetSource(path: try folder.put("a.jsonl", Self.lines))
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
    let folder = try TemporaryFolder()
    let source = DatasetSource(path: try folder.put("a.jsonl", Self.lines))
    let changed = DatasetSource(
      path: try folder.put("b.jsonl", Self.lines.replacingOccurrences(of: "ef", with: "eg")))
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
    let folder = try TemporaryFolder()
    let source = DatasetSource(
      path: try folder.put("a.jsonl", String(repeating: Self.lines, count: 500)))
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

  private func inode(_ path: String) throws -> Int {
    let number = try FileManager.default.attributesOfItem(atPath: path)[.systemFileNumber]
    return try #require(number as? Int)
  }

  /// A file that others may have mapped keeps its inode, whoever ends after it.
  @Test func publishedFilesAreNotReplaced() throws {
    let folder = try TemporaryFolder()
    let source = DatasetSource(path: try folder.put("a.jsonl", Self.lines))
    var published: (path: String, inode: Int)?
    let late = try folder.builder(source).build(isCancelled: {
      guard published == nil else { return false }
      // Another process builds the same and is done before.
      let path = (try? folder.builder(source).build())?.cachePath ?? ""
      published = (path, (try? self.inode(path)) ?? 0)
      return false
    })
    let first = try #require(published)
    #expect(late.cachePath == first.path && late.cacheState == .reused)
    #expect(try inode(late.cachePath) == first.inode)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/cache").count == 1)
  }

  /// What a killed build has left is removed at the next start.
  @Test func temporariesOfKilledBuildsAreRemoved() throws {
    let folder = try TemporaryFolder()
    let cache = folder.path + "/cache"
    try FileManager.default.createDirectory(atPath: cache, withIntermediateDirectories: true)
    let left = cache + "/0123.tokens.node7-4711-abc.tmp"
    try Data([1]).write(to: URL(fileURLWithPath: left))
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSinceNow: -25 * 3600)], ofItemAtPath: left)
    let path = try folder.builder(
      DatasetSource(path: try folder.put("a.jsonl", Self.lines))
    ).build().cachePath
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: cache) == [
        URL(fileURLWithPath: path).lastPathComponent
      ])
  }

  /// Other ranks need the digests and the cache, not the data.
  @Test func cachesAreOpenedByTheirDigests() throws {
    let folder = try TemporaryFolder()
    let path = try folder.put("a.jsonl", Self.lines)
    let builder = folder.builder(DatasetSource(path: path))
    let built = try builder.build()
    try FileManager.default.removeItem(atPath: path)
    let identity = try #require(CacheIdentity(bytes: built.identity.bytes))
    #expect(identity == built.identity && CacheIdentity(bytes: Array("a".utf8)) == nil)
    for isVerified in [false, true] {
      let opened = try builder.open(identity, isVerified: isVerified)
      #expect(opened.train.sequences == built.train.sequences)
      #expect(opened.counts == built.counts && opened.identity == identity)
    }
    // A damaged copy is found by whoever has not been told that the file was read before.
    let url = URL(fileURLWithPath: built.cachePath)
    var bytes = try [UInt8](Data(contentsOf: url))
    bytes[81] ^= 1
    try Data(bytes).write(to: url)
    #expect(throws: DatasetError.self) { try builder.open(identity, isVerified: false) }
    _ = try builder.open(identity, isVerified: true)
    // So is another file, by both.
    try Data(Self.sealed(bytes)).write(to: url)
    for isVerified in [false, true] {
      let error = #expect(throws: DatasetError.self) {
        try builder.open(identity, isVerified: isVerified)
      }
      #expect(error?.exitCode == 74)
    }
  }

  /// A cache with a new digest over all before it.
  private static func sealed(_ bytes: [UInt8]) -> [UInt8] {
    let content = Array(bytes.dropLast(64))
    return content + Array(SHA256.hexDigest(of: content).utf8)
  }

  /// Whoever can write the folder can make a digest as well.
  @Test func forgedCachesAreRefused() throws {
    let folder = try TemporaryFolder()
    let source = DatasetSource(path: try folder.put("a.jsonl", Self.lines))
    func builder(_ length: Int) -> DatasetBuilder {
      folder.builder(source, settings: DatasetSettings(maximumLength: length))
    }
    let honest = try builder(8).build()
    let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: honest.cachePath)))
    // Two samples, so the index has 48 bytes before summary and footer.
    let footer = bytes.count - 88
    let summary = Int(bytes[footer + 16]) + Int(bytes[footer + 17]) << 8
    let index = footer - summary - 48
    let text = try #require(String(bytes: bytes[(footer - summary)..<footer], encoding: .utf8))
    var forged: [(String, [UInt8])] = []
    var supervised = bytes
    supervised[index + 12] = 200
    forged.append(("more tokens in the loss", supervised))
    let lie = text.replacing("\"samples\":2", with: "\"samples\":3")
    #expect(lie != text)
    forged.append(
      ("counts 3 samples", Array(bytes[..<(footer - summary)]) + Array(lie.utf8) + bytes[footer...])
    )
    // The same samples under the key of a shorter max_seq_length.
    let short = folder.builder(
      source, settings: DatasetSettings(maximumLength: 4, excessLengthStrategy: .truncate))
    let url = URL(fileURLWithPath: try short.build().cachePath)
    let key = try [UInt8](Data(contentsOf: url))[16..<80]
    forged.append(("max_seq_length is 4", Array(bytes[..<16]) + key + bytes[80...]))
    for (reason, bytes) in forged {
      let isShort = reason.hasSuffix("4") && reason.hasPrefix("max")
      let path = isShort ? url.path : honest.cachePath
      try Data(Self.sealed(bytes)).write(to: URL(fileURLWithPath: path))
      let error = #expect(throws: DatasetError.self) {
        try (isShort ? short : builder(8)).build()
      }
      #expect(error?.exitCode == 65)
      #expect(error?.description.contains(reason) == true, "\(error?.description ?? "")")
      #expect(error?.description.contains("Remove the file") == true)
    }
  }
}
