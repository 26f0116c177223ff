import Datasets
import Foundation
import TestSupport
import Testing

@Suite struct SampleStreamTests {
  /// Any range gives what a list of all tokens has there.
  @Test func rangesOfAllSequences() throws {
    let folder = try TemporaryFolder()
    let records = (0..<40).map { index in
      let answer = String(repeating: "x", count: index * 7 % 13)
      return "{\"prompt\": \"\(index)\", \"completion\": \"a\(answer)\"}\n"
    }
    let source = DatasetSource(path: try folder.put("a.jsonl", records.joined()))
    for packing in [false, true] {
      let data = try folder.builder(
        source, settings: DatasetSettings(maximumLength: 64, packing: packing)
      ).build().train
      let all = data.sequences.flatMap(\.tokens)
      let stream = SampleStream(data)
      #expect(stream.count == all.count)
      for start in stride(from: 0, to: all.count, by: 3) {
        for end in [start, start + 1, start + 17, all.count] where end <= all.count {
          #expect(stream.tokens(in: start..<end) == Array(all[start..<end]))
        }
      }
    }
  }

  /// (name, content, type, whether it is read as one text)
  @Test(arguments: [
    ("a.txt", "{\"text\": \"one\"}", DatasetType.auto, true), ("a.raw", "one", .text, true),
    ("a", "one", .auto, true), ("a.jsonl", "{\"text\": \"one\"}", .auto, true),
    ("a.ndjson", "{\"text\": \"one\"}", .text, true),
    ("a.json", "[{\"text\": \"one\"}]", .auto, false),
    ("a.jsonl", "{\"prompt\": \"p\", \"completion\": \"c\"}", .auto, false),
    ("a.jsonl", "{\"prompt\": \"p\", \"completion\": \"c\", \"text\": \"t\"}", .completion, false),
    ("a.json", "{\"instruction\": \"p\", \"output\": \"c\"}", .auto, false),
  ])
  func oneText(name: String, content: String, type: DatasetType, isText: Bool) throws {
    let folder = try TemporaryFolder()
    let path = try folder.put(name, content)
    #expect(try DatasetSource(path: path, type: type).textFile() == (isText ? path : nil))
    // A folder is never one text, and some of these names are no data files of a folder.
    #expect((try? DatasetSource(path: folder.path, type: type).textFile()) == nil)
  }

  @Test func noTypeFits() throws {
    let folder = try TemporaryFolder()
    let path = try folder.put("a.jsonl", "{\"txet\": \"one\"}")
    let error = #expect(throws: DatasetError.self) { try DatasetSource(path: path).textFile() }
    #expect(error.map { "\($0)" }?.contains("no type fits the keys txet") == true)
  }
}
