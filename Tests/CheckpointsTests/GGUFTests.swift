import Checkpoints
import Foundation
import TestSupport
import Testing

/// Reading what gguf-py wrote.
@Suite struct GGUFReferenceTests {
  @Test func metadata() throws {
    let file = try GGUFFile(path: Fixture.path("reference-metadata.gguf"))
    #expect(file.version == 3)
    #expect(file["general.architecture"]?.string == "llama")
    #expect(file["a.uint8"] == .uint8(200))
    #expect(file["a.int8"] == .int8(-100))
    #expect(file["a.uint16"] == .uint16(60000))
    #expect(file["a.int16"] == .int16(-30000))
    #expect(file["a.uint32"] == .uint32(4_000_000_000))
    #expect(file["a.int32"] == .int32(-2_000_000_000))
    #expect(file["a.float32"] == .float32(0.1))
    #expect(file["a.uint64"] == .uint64(1 << 63 + 5))
    #expect(file["a.uint64"]?.int == nil)
    #expect(file["a.int64"]?.int == -(1 << 62))
    #expect(file["a.float64"]?.double == 0.1)
    #expect(file["a.bool"]?.bool == true)
    #expect(file["a.string"]?.string == "Grüße 🌍\n")
    #expect(file["b.int32"]?.array?.ints == [1, -2, 3])
    #expect(file["b.float32"]?.array?.floats == [0.5, -1.25])
    #expect(file["b.bool"]?.array?.bools == [true, false, true])
    #expect(file["b.nested"]?.array?.arrays?.map(\.ints) == [[1, 2], [3]])
    #expect(file["absent"] == nil)
  }

  @Test func stringsKeepTheirBytes() throws {
    let file = try GGUFFile(path: Fixture.path("reference-metadata.gguf"))
    #expect(
      file["b.string"]?.array?.strings
        == [[], [0x65, 0xCC, 0x81], [0xC3, 0xA9], [0x61, 0x62]])
  }

  @Test func shapesAreOutermostFirst() throws {
    let file = try GGUFFile(path: Fixture.path("reference.gguf"))
    #expect(file.tensor(named: "Q4_K")?.shape == [2, 768])
    #expect(file.tensor(named: "F16")?.shape == [3, 5])
    #expect(file.tensors.allSatisfy { $0.byteRange.lowerBound % 64 == 0 })
  }

  /// Digests of every string with its length (u64) before it, taken with gguf-py.
  @Test(
    .enabled(
      if: Fixture.hasShared("tokenizers/llama.cpp-vocab/ggml-vocab-gpt-2.gguf"),
      "needs ../shared/data/tokenizers"),
    arguments: [
      (
        "gpt-2", "tokenizer.ggml.tokens",
        "1b0b4d1f2288958613732175557fa89f8db2b619574bc7500c5b8cb8269c16ee"
      ),
      (
        "gpt-2", "tokenizer.ggml.merges",
        "dca569b10de5f0a468dfe0d780bc5db55facb46b3bfbd8c29c9a18d3df1cac41"
      ),
      (
        "llama-spm", "tokenizer.ggml.tokens",
        "621e8daacd0e30060399ba04fb9bcdb58f8d185b4992ca43b4f9e2d1a86eebc9"
      ),
    ])
  func vocabularies(model: String, key: String, digest: String) throws {
    let path = Fixture.shared + "/tokenizers/llama.cpp-vocab/ggml-vocab-\(model).gguf"
    let strings = try #require(try GGUFFile(path: path)[key]?.array?.strings)
    var hash = SHA256()
    for string in strings {
      let framed = withUnsafeBytes(of: UInt64(string.count).littleEndian) { Array($0) } + string
      framed.withUnsafeBytes { hash.update($0) }
    }
    #expect(hash.hexDigest() == digest)
  }
}

@Suite struct GGUFWriterTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Reading a reference file and writing it again gives the same metadata bytes.
  @Test func metadataRoundTripsToTheByte() throws {
    let reference = Fixture.path("reference-metadata.gguf")
    let file = try GGUFFile(path: reference)
    try GGUFWriter.write(metadata: file.metadata, to: folder("copy.gguf"))
    let copy = try fileBytes(folder("copy.gguf"))
    let original = try fileBytes(reference)
    // gguf-py pads after the metadata only when tensors follow, this writer always.
    #expect(copy.prefix(original.count).elementsEqual(original))
    #expect(copy.dropFirst(original.count).allSatisfy { $0 == 0 })
  }

  @Test func tensorsRoundTripToTheByte() throws {
    let reference = try GGUFFile(path: Fixture.path("reference.gguf"))
    let writer = try GGUFWriter(
      path: folder("copy.gguf"), metadata: reference.metadata,
      tensors: reference.tensors.map {
        TensorDeclaration(name: $0.name, type: $0.type, shape: $0.shape)
      })
    for tensor in reference.tensors {
      try writer.append(reference.bytes(of: tensor), to: tensor.name)
    }
    try writer.finish()
    #expect(try fileBytes(folder("copy.gguf")) == Fixture.bytes("reference.gguf"))
  }

  @Test func stringsThatAreNoText() throws {
    let strings: [[UInt8]] = [[0xFF, 0x00], [], Array("é".utf8)]
    try GGUFWriter.write(
      metadata: [
        GGUFEntry(key: "tokens", value: .array(GGUFArray(strings))),
        GGUFEntry(key: "raw", value: .string([0x80])),
        GGUFEntry(key: "scores", value: .array(GGUFArray([1.5, -.infinity] as [Float]))),
        GGUFEntry(key: "types", value: .array(GGUFArray([1, -1] as [Int32]))),
        GGUFEntry(key: "flags", value: .array(GGUFArray([true, false]))),
      ], to: folder("t.gguf"))
    let file = try GGUFFile(path: folder("t.gguf"))
    #expect(file["tokens"]?.array?.strings == strings)
    #expect(file["raw"]?.bytes == [0x80])
    #expect(file["raw"]?.string == nil)
    #expect(file["scores"]?.array?.floats == [1.5, -.infinity])
    #expect(file["types"]?.array?.ints == [1, -1])
    #expect(file["flags"]?.array?.bools == [true, false])
    #expect(file.tensors.isEmpty)
  }

  @Test func refusesExistingOutput() throws {
    let path = try folder.put("t.gguf", [1])
    #expect(throws: CheckpointError.exists(path: path)) {
      try GGUFWriter.write(metadata: [], to: path)
    }
    try GGUFWriter.write(metadata: [], to: path, overwrite: true)
    #expect(try folder.contents == ["t.gguf"])
  }
}
