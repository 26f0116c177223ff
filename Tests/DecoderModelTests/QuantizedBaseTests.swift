internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import JSONText
internal import Kernels
internal import Quantization
import Testing

private let bases = [
  "llama_4bit_row", "llama_3bit_g32", "llama_2bit_g64", "llama_8bit_g128", "qwen2_4bit_g32",
  "mistral_4bit_row", "llama3rope_4bit_row", "llama_4bit_g32_real_zeros",
]

@Suite struct QuantizedBaseTests {
  /// Bases written by tiny_models.py, which knows the format from its description only.
  @Test(arguments: bases)
  func opensForeignBases(name: String) throws {
    let base = try QuantizedBase(path: Fixtures.path(name))
    defer { withExtendedLifetime(base) {} }
    try base.verifyDigest()
    for layer in 0..<base.config.layerCount {
      for kind in LinearKind.allCases {
        let linear = base.linear(kind, layer: layer)
        let stored = try base.file.requiredTensor(named: linear.name + ".codes")
        #expect(linear.name == kind.name(layer: layer))
        #expect(linear.codes.baseAddress == base.file.bytes(of: stored).baseAddress)
        #expect(linear.codes.count == linear.layout.byteCount)
        #expect(linear.scales.count == linear.layout.rows * linear.layout.groups * 2)
        #expect((linear.bias != nil) == base.config.block.biases.contains(kind))
        #expect(linear.matrix?.rows == linear.layout.rows)
        let isReal = linear.layout.offset == .realZeros
        #expect(isReal == name.hasSuffix("real_zeros"))
        #expect(linear.offsets.count == linear.scales.count / (isReal ? 1 : 2))
      }
    }
    #expect(try base.tensor("model.norm.weight").type == .f32)
    #expect(try base.tensor("model.embed_tokens.weight").shape == [96, base.config.hiddenSize])
  }

  @Test func manifestSurvivesARoundTrip() throws {
    var manifest = BaseManifest(
      baseDigest: String(repeating: "0a", count: 32),
      settings: .init(bits: 3, groupSize: 64, symmetric: true))
    manifest.fileSize = 123
    manifest.headerDigest = "ab"
    manifest.reusesCodes = true
    manifest.source = ["name": "x"]
    manifest.quality = ["relative_error": 0.5]
    let text = manifest.json.text(indent: 1)
    #expect(try BaseManifest(JSONValue(parsing: text), path: "") == manifest)
  }

  /// Older programs do not know forms by matrix, so they have to refuse such a base.
  @Test func formsByMatrixMakeVersionTwo() throws {
    var manifest = BaseManifest(
      baseDigest: String(repeating: "0a", count: 32), settings: .init(bits: 3, groupSize: 64))
    #expect(manifest.json["version"]?.int == 1)
    manifest.grids = [
      "a": BaseManifest.Grid(bits: 8, groupSize: -1),
      "b": BaseManifest.Grid(bits: 2, groupSize: 32),
    ]
    #expect(manifest.json["version"]?.int == 2)
    let again = try BaseManifest(JSONValue(parsing: manifest.json.text()), path: "")
    #expect(again == manifest)
    #expect(again.grid(of: "b") == BaseManifest.Grid(bits: 2, groupSize: 32))
    #expect(again.grid(of: "c") == BaseManifest.Grid(bits: 3, groupSize: 64))
  }

  @Test(
    arguments: [
      ("format", JSONValue.string("other")), ("version", 3), ("version", nil), ("bits", 5),
      ("bits", "4"), ("group_size", 0), ("group_size", 48), ("base_sha256", "abc"),
      ("base_sha256", .string(String(repeating: "G", count: 64))), ("sym", "no"),
      ("file_size", 1), ("header_sha256", "00"), ("bits", 3),
    ] as [(String, JSONValue?)])
  func refusesAWrongManifest(key: String, value: JSONValue?) throws {
    try Fixtures.withCopy(of: "llama_4bit_row") { path in
      try Fixtures.edit(path + "/peqa_base.json", [(key, value)])
      let error = #expect(throws: ModelFileError.self) { try QuantizedBase(path: path) }
      #expect(error?.exitCode == 65)
    }
  }

  @Test func aChangedByteIsFound() throws {
    try Fixtures.withCopy(of: "llama_4bit_row") { path in
      let file = path + "/base.safetensors"
      var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
      bytes[bytes.count / 2] ^= 1
      try AtomicFile.write(bytes, to: file)
      let base = try QuantizedBase(path: path)
      #expect(throws: ModelFileError.self) { try base.verifyDigest() }
    }
  }

  /// A scale of infinity, a zero point of 16: found on opening.
  @Test(arguments: [("scales", [UInt8(0x00), 0x7C]), ("zeros", [16])])
  func badNumbersAreFound(suffix: String, bytes: [UInt8]) throws {
    try Fixtures.withCopy(of: "llama_4bit_row") { path in
      let file = path + "/base.safetensors"
      let name = "model.layers.1.mlp.up_proj.\(suffix)"
      let tensor = try SafetensorsFile(path: file).requiredTensor(named: name)
      var data = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
      let place = tensor.byteRange.lowerBound + 10
      data.replaceSubrange(place..<(place + bytes.count), with: bytes)
      try AtomicFile.write(data, to: file)
      let error = #expect(throws: ModelFileError.self) { try QuantizedBase(path: path) }
      #expect(error?.description.contains(name) == true)
    }
  }

  @Test(arguments: ["peqa_base.json", "config.json", "base.safetensors"])
  func missingFilesAreNamed(name: String) throws {
    try Fixtures.withCopy(of: "llama_4bit_row") { path in
      try FileManager.default.removeItem(atPath: path + "/" + name)
      do {
        _ = try QuantizedBase(path: path)
        Issue.record("opened a base without \(name)")
      } catch { #expect("\(error)".contains(name)) }
    }
  }

  @Test func aTruncatedFileIsRefused() throws {
    try Fixtures.withCopy(of: "llama_4bit_row") { path in
      let file = path + "/base.safetensors"
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
      for count in [0, 7, 100, bytes.count / 2, bytes.count - 1] {
        try AtomicFile.write(Array(bytes[..<count]), to: file)
        #expect(throws: (any Error).self) { try QuantizedBase(path: path) }
      }
    }
  }
}
