import Datasets
import Foundation
import JSONText
import TestSupport
import Testing

/// Real data sets, where this machine has them: `../shared/data` beside the package.
enum SharedData {
  static func path(_ name: String) -> String {
    let root = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    return root.deletingLastPathComponent().appendingPathComponent("shared/data/" + name).path
  }

  static func has(_ name: String) -> Bool { FileManager.default.fileExists(atPath: path(name)) }

  static func bytes(_ name: String) throws -> [UInt8] {
    try [UInt8](Data(contentsOf: URL(fileURLWithPath: path(name))))
  }
}

@Suite struct SharedDataTests {
  @Test(.enabled(if: SharedData.has("instruct/alpaca_5000.json"), "needs ../shared/data"))
  func alpacaMasksAreTheResponses() throws {
    let folder = try TemporaryFolder()
    let name = "instruct/alpaca_5000.json"
    let data = try folder.builder(
      DatasetSource(path: SharedData.path(name)),
      settings: DatasetSettings(maximumLength: 8192, packing: false)
    ).build()
    let records = try #require(try JSONValue(parsing: try SharedData.bytes(name)).array)
    let outputs = records.compactMap { $0["output"]?.string }.filter { !$0.isEmpty }
    #expect(data.counts.records == records.count)
    #expect(data.counts.unsupervised == records.count - outputs.count)
    #expect(data.train.segments.map(\.supervisedText) == outputs.map { $0 + "</s>" })
  }

  @Test(.enabled(if: SharedData.has("super_ni"), "needs ../shared/data"))
  func tasksOfSuperNaturalInstructions() throws {
    let folder = try TemporaryFolder()
    let names = try FileManager.default.contentsOfDirectory(atPath: SharedData.path("super_ni"))
    for name in names.sorted() {
      let isFile = name.hasSuffix(".json")
      let file = "super_ni/" + name + (isFile ? "" : "/train.json")
      let task = try JSONValue(parsing: try SharedData.bytes(file))
      let outputs = try #require(task["Instances"]?.array).compactMap {
        $0["output"]?.string ?? $0["output"]?[0]?.string
      }
      let data = try folder.builder(
        DatasetSource(path: SharedData.path("super_ni/" + name)),
        settings: DatasetSettings(maximumLength: 65536, packing: false)
      ).build()
      #expect(data.counts.sources.map(\.type) == [.superNI])
      let kept = outputs.filter { !$0.isEmpty }
      #expect(data.train.segments.map(\.supervisedText) == kept.map { $0 + "</s>" })
    }
  }

  @Test(.enabled(if: SharedData.has("text/wikitext-2/wiki.test.raw"), "needs ../shared/data"))
  func wikitextIsCutWithoutLoss() throws {
    let folder = try TemporaryFolder()
    let name = "text/wikitext-2/wiki.test.raw"
    let data = try folder.builder(
      DatasetSource(path: SharedData.path(name)),
      settings: DatasetSettings(maximumLength: 1024, packing: false, beginsWithBOS: false)
    ).build()
    let bytes = try SharedData.bytes(name)
    #expect(data.train.sequences.flatMap(\.tokens).map { UInt8($0) } == bytes)
    #expect(data.train.count == (bytes.count + 1023) / 1024)
    #expect(data.counts.supervisedTokens == bytes.count - data.train.count)
  }
}
