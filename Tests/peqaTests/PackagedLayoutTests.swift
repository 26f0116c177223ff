import Foundation
import Testing

/// What launch/package puts around the program, on a folder that is laid out like a package.
@Suite struct PackagedLayoutTests {
  private static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// A folder with bin/peqa, lib/peqa and launch/steps; `change` edits the program's bytes.
  private func withPackage(
    change: (inout Data) throws -> Void = { _ in }, _ body: (URL) throws -> Void
  ) throws {
    let files = FileManager.default
    let folder = files.temporaryDirectory.appending(path: "peqa-\(UUID().uuidString)")
    defer { try? files.removeItem(at: folder) }
    for name in ["bin", "lib", "launch"] {
      try files.createDirectory(
        at: folder.appending(path: name), withIntermediateDirectories: true)
    }
    let program = Self.root.appending(path: ".build/release/peqa")
    var bytes = try Data(contentsOf: program.resolvingSymlinksInPath())
    try change(&bytes)
    let copy = folder.appending(path: "lib/peqa")
    try bytes.write(to: copy)
    try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: copy.path)
    try files.copyItem(
      at: Self.root.appending(path: "launch/packaging/peqa"),
      to: folder.appending(path: "bin/peqa"))
    try files.copyItem(
      at: Self.root.appending(path: "launch/steps"), to: folder.appending(path: "launch/steps"))
    try body(folder)
  }

  private func run(_ program: URL, _ arguments: String...) throws -> (code: Int32, text: String) {
    let process = Process()
    (process.executableURL, process.arguments) = (program, arguments)
    let pipe = Pipe()
    (process.standardOutput, process.standardError) = (pipe, pipe)
    try process.run()
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return (process.terminationStatus, text)
  }

  @Test func startsTheProgramWithItsArgumentsAndCode() throws {
    try withPackage { folder in
      let program = folder.appending(path: "bin/peqa")
      #expect(try run(program, "--version").text.hasPrefix("peqa "))
      let missing = try run(program, "config", "/nonexistent/a file.yaml")
      #expect(missing.code == 66 && missing.text.contains("/nonexistent/a file.yaml"))
      // A package may be linked into a folder of PATH.
      let link = folder.appending(path: "linked")
      try FileManager.default.createSymbolicLink(at: link, withDestinationURL: program)
      #expect(try run(link, "--version").code == 0)
    }
  }

  @Test func namesAMissingLibraryAndItsPackage() throws {
    let change = { (bytes: inout Data) in
      let needed = try #require(bytes.range(of: Data("libopenblas.so.0".utf8)))
      bytes.replaceSubrange(needed, with: Data("libopenblas.so.9".utf8))
    }
    try withPackage(change: change) { folder in
      let (code, text) = try run(folder.appending(path: "bin/peqa"), "doctor")
      #expect(code == 69)
      #expect(text.contains("libopenblas.so.9") && text.contains("apt-get install libopenblas0"))
      #expect(!text.contains("libmpi"), "the others are there")
    }
  }

  @Test func launchScriptsFindTheProgram() throws {
    let found = try run(Self.root.appending(path: "launch/steps/program"))
    #expect(found.text == Self.root.appending(path: ".build/release/peqa").path + "\n")
    try withPackage { folder in
      let folder = folder.resolvingSymlinksInPath()
      let found = try run(folder.appending(path: "launch/steps/program"))
      #expect(found.text == folder.appending(path: "bin/peqa").path + "\n")
    }
  }
}
