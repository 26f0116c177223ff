import Checkpoints
import Foundation
import Kernels
import TestSupport
import Testing

/// Changes a valid file in the ways that hurt parsers.
struct Mutator {
  var random: SplitMix64
  static let interesting: [UInt64] = [
    0, 1, 2, 7, 8, 31, 32, 63, 64, 255, 256, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
    0x1_0000_0000, 100_000_000, 1 << 62, (1 << 63) - 1, 1 << 63, .max - 7, .max,
  ]

  mutating func mutate(_ original: [UInt8], headerSize: Int) -> [UInt8] {
    var bytes = original
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      guard !bytes.isEmpty else { return bytes }
      // Most changes go where the structure is.
      let limit =
        Int.random(in: 0..<8, using: &random) == 0 ? bytes.count : min(headerSize, bytes.count)
      let place = Int.random(in: 0..<limit, using: &random)
      switch Int.random(in: 0..<7, using: &random) {
      case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 1: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 2: overwrite(&bytes, place, width: 8)
      case 3: overwrite(&bytes, place, width: 4)
      case 4: bytes.removeLast(Int.random(in: 1...bytes.count, using: &random) / 2)
      case 5:
        let end = min(bytes.count, place + Int.random(in: 1...16, using: &random))
        bytes.insert(contentsOf: bytes[place..<end], at: place)
      default:
        let end = min(bytes.count, place + Int.random(in: 1...16, using: &random))
        bytes.removeSubrange(place..<end)
      }
    }
    return bytes
  }

  private mutating func overwrite(_ bytes: inout [UInt8], _ place: Int, width: Int) {
    let value = Self.interesting.randomElement(using: &random)!
    for i in 0..<width where place + i < bytes.count {
      bytes[place + i] = UInt8(truncatingIfNeeded: value >> UInt64(8 * i))
    }
  }
}

/// A mutated file is read or refused with a typed error; nothing else may happen.
@Suite struct MutationTests {
  static let environment = ProcessInfo.processInfo.environment["PEQA_FUZZ"].flatMap { Int($0) }
  let rounds = environment ?? 3000
  let seed = environment == nil ? 20_260_101 : UInt64.random(in: 0 ... .max)

  @Test func safetensors() throws {
    let seeds = try ["reference.safetensors", "hostile/valid-unknown-key.safetensors"]
      .map { try Fixture.bytes($0) }
    try run(seeds) { try readEverything(SafetensorsFile(path: $0)) }
  }

  @Test func gguf() throws {
    let seeds = try ["reference-metadata.gguf", "reference.gguf", "hostile/valid-version-2.gguf"]
      .map { try Fixture.bytes($0) }
    try run(seeds) { try readEverything(GGUFFile(path: $0)) }
  }

  @Test func index() throws {
    let folder = try TemporaryFolder()
    try folder.put("valid-shard.safetensors", Fixture.bytes("hostile/valid-shard.safetensors"))
    let seeds = [try Fixture.bytes("hostile/valid-index.index.json")]
    try run(seeds, in: folder, as: SafetensorsDirectory.indexName) { _ in
      try readEverything(SafetensorsDirectory(path: folder.path))
    }
  }

  private func run(
    _ seeds: [[UInt8]], in folder: TemporaryFolder? = nil, as name: String = "mutated",
    _ read: (String) throws -> Void
  ) throws {
    if Self.environment != nil { print("seed \(seed)") }
    let folder = try folder ?? TemporaryFolder()
    var mutator = Mutator(random: SplitMix64(seed: seed))
    var refused = 0
    for round in 0..<rounds {
      let bytes = mutator.mutate(seeds[round % seeds.count], headerSize: 1500)
      let path = try folder.put(name, bytes)
      do {
        try read(path)
      } catch is CheckpointError {
        refused += 1
      }
    }
    // Mutations that were all refused, or none of them, would mean that nothing was tested.
    #expect(refused > rounds / 2)
    #expect(refused < rounds)
  }
}
