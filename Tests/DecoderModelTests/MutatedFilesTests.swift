import DecoderModel
import Foundation
import Kernels
import Testing

/// The small files of a base and an adapter, damaged at random: opening them fails with an error or
/// succeeds, and never crashes or hangs. `PEQA_FUZZ` sets how many mutations each file gets.
@Suite struct MutatedFilesTests {
  static let rounds = ProcessInfo.processInfo.environment["PEQA_FUZZ"].flatMap { Int($0) } ?? 400

  @Test(arguments: ["config.json", "peqa_base.json", "base.safetensors"])
  func baseFilesAreNotTrusted(_ name: String) throws {
    let golden = try Golden("qwen2_4bit_g32")
    let folder = FileManager.default.temporaryDirectory.appending(path: "peqa-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for file in ["config.json", "peqa_base.json", "base.safetensors"] {
      try FileManager.default.copyItem(
        atPath: golden.directory + "/" + file, toPath: folder.appending(path: file).path)
    }
    let whole = [UInt8](try Data(contentsOf: folder.appending(path: name)))
    // Of the tensors, the header is what is parsed.
    let header = name.hasSuffix(".json") ? whole.count : 4096
    var random = SplitMix64(seed: 20_261_123)
    var refused = 0
    for _ in 0..<Self.rounds {
      let bytes = Self.mutate(whole, within: header, &random)
      try Data(bytes).write(to: folder.appending(path: name))
      do {
        let model = try LoadedModel.open(folder.path)
        #expect(model.config.layerCount > 0)
      } catch {
        refused += 1
        #expect(!"\(error)".isEmpty)
      }
    }
    // Most damage must show: a reader that accepts everything would not be caught otherwise.
    #expect(refused > Self.rounds / 4)
  }

  private static func mutate(
    _ bytes: [UInt8], within limit: Int, _ random: inout SplitMix64
  ) -> [UInt8] {
    var bytes = bytes
    for _ in 0...Int.random(in: 0..<3, using: &random) {
      let at = Int.random(in: 0..<min(limit, bytes.count), using: &random)
      switch Int.random(in: 0..<5, using: &random) {
      case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes.remove(at: at)
      case 2: bytes.insert(UInt8(ascii: "9"), at: at)
      case 3: bytes[at] = Array("0-9{}[],:\"e.".utf8).randomElement(using: &random) ?? 0
      default: bytes.removeSubrange(at...)
      }
      if bytes.isEmpty { return [0] }
    }
    return bytes
  }
}
