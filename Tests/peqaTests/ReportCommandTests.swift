import Foundation
import TestSupport
import Testing

/// `peqa report` as a script uses it.
@Suite struct ReportCommandTests {
  private func run(_ arguments: [String]) throws -> (code: Int32, output: String, errors: String) {
    try CommandLineTests().run(["report"] + arguments)
  }

  private func folder(_ names: [String]) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for name in names {
      try folder.put("\(name)/run.json", "{\"ranks\":1,\"model\":\"/nowhere\"}")
      try folder.put("\(name)/metrics.jsonl", "{\"step\":1,\"loss\":2}\n{\"step\":2,\"loss\":1}\n")
    }
    return folder
  }

  @Test func aPageInTheRunsFolder() throws {
    let folder = try folder(["a"])
    try folder.put("a/task_results.json", "{\"tasks\":{\"piqa\":{\"acc\":0.5,\"acc_stderr\":0.1}}}")
    let (code, output, errors) = try run([folder("a")])
    #expect(code == 0 && errors.isEmpty)
    #expect(output == folder("a/report.html") + "\n")
    let page = try String(contentsOfFile: folder("a/report.html"), encoding: .utf8)
    #expect(page.hasPrefix("<!DOCTYPE html>") && page.contains("piqa"))
  }

  @Test func severalRunsNeedAName() throws {
    let folder = try folder(["a", "b"])
    #expect(try run([folder.path]).code == 64)
    let (code, _, errors) = try run([folder.path, "-o", folder("page.html")])
    #expect(code == 0, "\(errors)")
    let page = try String(contentsOfFile: folder("page.html"), encoding: .utf8)
    #expect(page.contains("2 runs side by side"))
  }

  @Test func foldersWithoutRunsAreNamed() throws {
    let folder = try folder(["a"])
    try folder.put("empty/x", "")
    let (code, _, errors) = try run([folder("a"), folder("empty"), "-o", folder("page.html")])
    #expect(code == 66 && errors.contains(folder("empty")))
    #expect(!FileManager.default.fileExists(atPath: folder("page.html")))
  }
}
