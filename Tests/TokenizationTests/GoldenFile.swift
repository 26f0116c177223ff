import Checkpoints
import Foundation
import JSONText
import Testing
import Tokenization

/// Where test data lies.
enum Fixture {
  static let folder =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/Fixtures/"

  /// The shared data beside the package; nil where it is not there.
  static let shared: String? = {
    let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let path = package.appendingPathComponent("../shared/data/tokenizers").standardizedFileURL.path
    return FileManager.default.fileExists(atPath: path) ? path + "/" : nil
  }()

  static func bytes(_ name: String) throws -> [UInt8] {
    Array(try Data(contentsOf: URL(fileURLWithPath: folder + name)))
  }
}

/// Ids made by a reference implementation (see the scripts in Fixtures).
struct GoldenFile {
  struct Case {
    var text: String
    var ids: [Int32]?
    var decoded: String?
    var count: Int?
    var digest: String?
  }

  let cases: [Case]

  init(_ file: String, _ name: String) throws {
    let root = try JSONValue(parsing: Fixture.bytes(file))
    let entry = try #require(root.array?.first { $0["name"]?.string == name })
    cases = try #require(entry["cases"]?.array).map { value in
      let text = try #require(value["text"]?.string)
      return Case(
        text: String(repeating: text, count: value["repeat"]?.int ?? 1),
        ids: value["ids"]?.array?.map { Int32($0.int ?? -1) }, decoded: value["decoded"]?.string,
        count: value["count"]?.int, digest: value["sha256"]?.string)
    }
    try #require(cases.count > 60)
  }

  /// Compares every case; a long text by the number and the digest of its ids.
  func check(
    _ tokenizer: Tokenizer, addSpecial: Bool = true, parseSpecial: Bool = true,
    checksDecoding: Bool = true
  ) {
    for item in cases {
      let ids = tokenizer.encode(item.text, addSpecial: addSpecial, parseSpecial: parseSpecial)
      if let expected = item.ids {
        #expect(ids == expected, "\(item.text.debugDescription)")
        if checksDecoding, let decoded = item.decoded {
          let text = tokenizer.decode(expected, skipSpecial: false)
          #expect(Array(text.utf8) == Array(decoded.utf8), "\(item.text.debugDescription)")
        }
      } else {
        let name = "\(item.text.prefix(20).debugDescription)..."
        #expect(ids.count == item.count, "\(name)")
        let text = ids.map(String.init).joined(separator: ",")
        #expect(SHA256.hexDigest(of: Array(text.utf8)) == item.digest, "\(name)")
      }
    }
  }
}
