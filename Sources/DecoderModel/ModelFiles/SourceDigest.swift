internal import Checkpoints
internal import Foundation

/// SHA-256 of a model's weights: of the one file, or of the lines "digest  name" of all shards. A
/// piece at a time, so that it can be computed beside the reading.
package final class SourceDigest {
  private let files: [MappedFile]
  private let total: Int
  private var done = 0
  private var file = 0
  private var place = 0
  private var hash = SHA256()
  private var lines: [(digest: String, name: String)] = []

  package init(_ source: ModelSource) {
    var seen: [String: MappedFile] = [:]
    for tensor in source.files.tensors {
      let file = source.files.file(of: tensor)
      seen[file.path] = file
    }
    files = seen.sorted { $0.key < $1.key }.map(\.value)
    total = files.reduce(0) { $0 + $1.bytes.count }
  }

  /// Reads on until `share` of all bytes has been read.
  package func advance(to share: Double) {
    let goal = share >= 1 ? total : Int(share * Double(total))
    while done < goal, file < files.count {
      let bytes = files[file].bytes
      let end = min(bytes.count, place + min(goal - done, 4 << 20))
      hash.update(UnsafeRawBufferPointer(rebasing: bytes[place..<end]))
      done += end - place
      place = end
      if place == bytes.count { endFile() }
    }
  }

  private func endFile() {
    let name = URL(fileURLWithPath: files[file].path).lastPathComponent
    var whole = SHA256()
    swap(&hash, &whole)
    lines.append((whole.hexDigest(), name))
    (place, file) = (0, file + 1)
  }

  /// Reads the rest, and gives the digest in hexadecimal.
  package func finish() -> String {
    advance(to: 1)
    // Files without bytes.
    while file < files.count { endFile() }
    if lines.count == 1 { return lines[0].digest }
    return SHA256.hexDigest(of: Array(lines.map { "\($0.digest)  \($0.name)\n" }.joined().utf8))
  }
}
