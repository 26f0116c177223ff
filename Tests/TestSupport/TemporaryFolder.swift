package import Foundation

/// A folder of its own for a test, removed with the object; in memory where the system offers that,
/// because runs and caches sync their files many times.
package final class TemporaryFolder: Sendable {
  package let url: URL
  package var path: String { url.path }

  package init() throws {
    let memory = URL(filePath: "/dev/shm")
    let files = FileManager.default
    let root = files.isWritableFile(atPath: memory.path) ? memory : files.temporaryDirectory
    url = root.appending(path: "peqa-test-\(UUID().uuidString)")
    try files.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// The path of a file in it.
  package func callAsFunction(_ name: String) -> String { path + "/" + name }

  /// Writes a file, and the folders above it, and gives its path.
  @discardableResult
  package func put(_ name: String, _ bytes: [UInt8]) throws -> String {
    let file = url.appending(path: name)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(bytes).write(to: file)
    return file.path
  }

  @discardableResult
  package func put(_ name: String, _ text: String) throws -> String {
    try put(name, Array(text.utf8))
  }

  /// Names of its files, sorted.
  package var contents: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
  }
}
