import DecoderModel
import Foundation
import JSONText
import Testing

/// A family is its entry, a fixture, and parts that others may use too; nothing else knows it.
@Suite struct FamilyEntryTests {
  private static let sources = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Sources")

  /// Swift files of the targets between a model's files and the program's commands, but the
  /// entries.
  private static func files() throws -> [(path: String, text: String)] {
    var found: [(String, String)] = []
    for target in try FileManager.default.contentsOfDirectory(atPath: sources.path) {
      // Chat templates and tokenizers are named after models, but know nothing of their blocks.
      guard target != "ChatTemplates", target != "Tokenization" else { continue }
      let folder = sources.appending(path: target)
      let paths = FileManager.default.enumerator(atPath: folder.path)
      while let path = paths?.nextObject() as? String {
        guard path.hasSuffix(".swift"), !path.contains("Families/") else { continue }
        let text = try String(contentsOf: folder.appending(path: path), encoding: .utf8)
        found.append(("\(target)/\(path)", text))
      }
    }
    return found
  }

  /// LLaMA is what a configuration is without a name; presets are models of their families.
  @Test func noFileKnowsAFamilyByName() throws {
    let files = try Self.files()
    #expect(files.count > 100)
    for family in Family.all where family.modelType != "llama" {
      let knowing = files.filter { $0.text.contains("\"\(family.modelType)\"") }.map(\.path)
      #expect(
        knowing.allSatisfy { $0 == "DecoderModel/DecoderConfig+Presets.swift" },
        "\(family.modelType) in \(knowing)")
    }
  }

  /// The computation asks for choices, never for a family.
  @Test func computationKnowsNoFamily() throws {
    for (path, text) in try Self.files() where path.hasPrefix("DecoderModel/Computation") {
      #expect(!text.contains("Family.") && !text.contains("modelType"), "\(path)")
    }
  }

  /// Each family has a model that transformers made, or one of make_golden.py's.
  @Test func everyFamilyHasAFixture() throws {
    let fixtures = try #require(Bundle.module.resourceURL).appending(path: "Fixtures").path
    let names = try FileManager.default.contentsOfDirectory(atPath: fixtures)
    let types = names.compactMap { name in
      (try? ModelFiles.json("\(fixtures)/\(name)/config.json"))?["model_type"]?.string
    }
    for family in Family.all { #expect(types.contains(family.modelType), "\(family.modelType)") }
  }
}
