import Foundation
import Testing
import Training
import peqa

/// What documents say of the program is what the program says of itself.
@Suite struct DocumentationTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private func text(_ path: String) throws -> String {
    try String(contentsOf: Self.root.appending(path: path), encoding: .utf8)
  }

  /// The lines of a document between `<!-- NAME:begin -->` and `<!-- NAME:end -->`.
  private func part(_ name: String, of path: String) throws -> String {
    let text = try text(path)
    let begin = try #require(text.firstRange(of: "<!-- \(name):begin -->\n"))
    let end = try #require(text.firstRange(of: "\n<!-- \(name):end -->"))
    return text[begin.upperBound..<end.lowerBound] + "\n"
  }

  /// After a change of keys: put in what `peqa config --markdown` prints.
  @Test func keysOfTheUserGuide() throws {
    let (code, printed, _) = try CommandLineTests().run(["config", "--markdown"])
    #expect(code == 0)
    #expect(try part("keys", of: "docs/user-guide.md") == printed)
  }

  @Test func helpOfTrainListsEveryKeyByGroup() throws {
    let (code, help, _) = try CommandLineTests().run(["train", "--help"])
    #expect(code == 0)
    let lines = help.split(separator: "\n", omittingEmptySubsequences: false)
    for group in ConfigKey.groups {
      let title = try #require(lines.firstIndex(of: Substring(group.title)))
      let flags = lines[(title + 1)...].prefix { !$0.isEmpty }.compactMap { line in
        line.hasPrefix("  --") ? line.split(separator: " ").first.map(String.init) : nil
      }
      #expect(flags == group.keys.map(\.flag))
    }
  }

  /// The table of targets has all of them, in the order of the manifest, and what each imports.
  @Test func targetsOfTheArchitecture() throws {
    let rows = try text("docs/architecture.md").split(separator: "\n").compactMap { line in
      line.wholeMatch(of: /\| (`.+`) \| (.+) \| .+ \|/)
    }.map { (names: $0.1.matches(of: /\w+/).map { String($0.0) }, imports: String($0.2)) }
    let names = rows.flatMap(\.names)
    let folders = try FileManager.default.contentsOfDirectory(
      atPath: Self.root.appending(path: "Sources").path)
    #expect(Set(folders).subtracting(names).isEmpty)
    let manifest = try text("Package.swift")
    let order = names.filter { folders.contains($0) && $0 != "peqa" }.map { name in
      manifest.firstRange(of: "ame: \"\(name)\"")?.lowerBound
        ?? manifest.firstRange(of: "module(\"\(name)\"")?.lowerBound
        ?? manifest.firstRange(of: "module(\n      \"\(name)\"")?.lowerBound
    }
    #expect(zip(order, order.dropFirst()).allSatisfy { a, b in a != nil && b != nil && a! < b! })
    for row in rows where folders.contains(row.names[0]) {
      let imported = try imports(of: row.names[0])
      guard !imported.isEmpty else { continue }
      let said = Set(row.imports.matches(of: /\w+/).map { String($0.0) })
      #expect(said == imported, "\(row.names[0])")
    }
  }

  /// Modules that the files of a target import, but for those that nearly all do.
  private func imports(of target: String) throws -> Set<String> {
    let common: Set = ["Foundation", "Glibc", "Synchronization", "Dispatch", "ExitCodes"]
    let folder = Self.root.appending(path: "Sources/\(target)/").path
    return try sources().filter { $0.path.hasPrefix(folder) }.reduce(into: []) { found, file in
      for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
        if let match = line.wholeMatch(of: /(?:internal |package )import (\w+)/) {
          found.insert(String(match.1))
        }
      }
      found.subtract(common)
    }
  }

  @Test func exitCodesOfTheUserGuide() throws {
    #expect(try part("exit-codes", of: "docs/user-guide.md") == ExitCodeTable.markdown)
    let (_, help, _) = try CommandLineTests().run(["--help"])
    let words = help.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    for entry in ExitCodeTable.entries { #expect(words.contains(" \(entry.meaning)")) }
  }

  /// Every `exitCode` of an error enum is in the table, and every code of the table means one
  /// thing.
  @Test func exitCodesOfTheSources() throws {
    let known = ExitCodeTable.entries.flatMap(\.codes)
    #expect(Set(known).count == known.count)
    var found: Set<Int32> = []
    for file in try sources() {
      let text = try String(contentsOf: file, encoding: .utf8)
      guard let start = text.firstRange(of: "var exitCode: Int32 {") else { continue }
      for line in text[start.upperBound...].split(separator: "\n").prefix(40) {
        if line == "  }" { break }
        guard let word = line.split(separator: " ").last, line.contains("case ") else { continue }
        if let code = Int32(word) { found.insert(code) }
      }
    }
    #expect(found.isSubset(of: known), "\(found.subtracting(known)) are not in the table")
    #expect(found.isSuperset(of: [3, 65, 66, 71, 73, 74, 78]), "the search has found \(found)")
  }

  private func sources() throws -> [URL] {
    let folder = Self.root.appending(path: "Sources")
    let all = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
    return (all?.allObjects ?? []).compactMap { $0 as? URL }.filter {
      $0.pathExtension == "swift"
    }
  }

  private func subcommands() throws -> [String] {
    let (_, help, _) = try CommandLineTests().run(["--help"])
    let lines = help.split(separator: "\n")
    let title = try #require(lines.firstIndex { $0.hasPrefix("SUBCOMMANDS:") })
    let names = lines[(title + 1)...].prefix { $0.hasPrefix("  ") }.compactMap { line in
      line.hasPrefix("   ") ? nil : line.split(separator: " ").first.map(String.init)
    }.filter { $0.first != "S" }
    try #require(names.contains("train") && names.contains("doctor"))
    return names
  }

  @Test(arguments: ["README.md", "docs/user-guide.md"])
  func subcommandsAreMentioned(path: String) throws {
    let text = try text(path)
    for name in try subcommands() {
      #expect(text.contains("peqa \(name)"), "\(path) does not mention peqa \(name)")
    }
  }

  /// A document that says what does not exist must not name a command or key that does.
  @Test func nothingThatExistsIsSaidToBeMissing() throws {
    let text = try text("README.md")
    guard let start = text.firstRange(of: "Does not exist yet:") else { return }
    let rest = text[start.upperBound...]
    let list = rest[..<(rest.firstRange(of: "\n##")?.lowerBound ?? rest.endIndex)]
    for name in try subcommands() {
      #expect(!list.contains("`\(name)`"), "README.md says that \(name) does not exist")
    }
    for key in ConfigKey.all {
      #expect(!list.contains("`\(key.name)`"), "README.md says that \(key.name) does not exist")
    }
  }
}
