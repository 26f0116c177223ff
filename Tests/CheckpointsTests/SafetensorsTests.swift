import Checkpoints
import Foundation
import JSONText
import Kernels
import TestSupport
import Testing

/// Reading what the reference implementation wrote.
@Suite struct SafetensorsReferenceTests {
  let file: SafetensorsFile

  init() throws { file = try SafetensorsFile(path: Fixture.path("reference.safetensors")) }

  @Test func tensors() throws {
    let weight = try file.requiredTensor(named: "weight", shape: [2, 3])
    #expect(weight.type == .f32 && weight.rows == 2 && weight.columns == 3)
    #expect(try file.floats(of: weight) == [0, 0.25, 0.5, 0.75, 1, 1.25])
    let half = try #require(file.tensor(named: "half"))
    #expect(try file.floats(of: half) == [0.5, -2, Float(Float16(6e-8))])
    #expect(Array(file.bytes(of: try #require(file.tensor(named: "codes")))) == [1, 2, 255])
    #expect(Array(file.bytes(of: try #require(file.tensor(named: "flag")))) == [1, 0])
    let scalar = try #require(file.tensor(named: "scalar"))
    #expect(scalar.shape == [] && scalar.elementCount == 1 && scalar.type == .f64)
    #expect(try file.floats(of: scalar) == [3.5])
    let empty = try #require(file.tensor(named: "empty"))
    #expect(empty.shape == [0, 4] && empty.byteRange.isEmpty)
    #expect(try file.floats(of: empty) == [])
    #expect(file.tensors.count == 9)
  }

  @Test func namesCompareByBytes() throws {
    func value(_ name: String) throws -> Int32 {
      file.bytes(of: try #require(file.tensor(named: name))).loadUnaligned(as: Int32.self)
    }
    #expect(try value("e\u{301}") == 1)
    #expect(try value("\u{e9}") == 2)
  }

  @Test func metadata() {
    #expect(file.metadata["format"]?.string == "pt")
    #expect(file.metadata["note"]?.string == "Grüße")
    #expect(file.metadata["absent"] == nil)
  }

  @Test func rowsOfATensor() throws {
    let weight = try #require(file.tensor(named: "weight"))
    var row = [Float](repeating: -1, count: 3)
    try row.withUnsafeMutableBufferPointer {
      try file.readFloats(of: weight, rows: 1..<2, into: $0)
    }
    #expect(row == [0.75, 1, 1.25])
  }

  @Test func wrongRequests() throws {
    #expect(throws: CheckpointError.self) { try file.requiredTensor(named: "absent") }
    #expect(throws: CheckpointError.self) {
      try file.requiredTensor(named: "weight", shape: [3, 2])
    }
    let error = #expect(throws: CheckpointError.self) {
      try file.floats(of: try #require(file.tensor(named: "ids")))
    }
    #expect(error?.description.contains("\"ids\" is I64") == true)
  }
}

@Suite struct SafetensorsWriterTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  static let tensors = [
    TensorDeclaration(name: "a", type: .f32, shape: [2, 2]),
    TensorDeclaration(name: "none", type: .u8, shape: [0]),
    TensorDeclaration(name: "\u{e9}", type: .f16, shape: [3]),
    TensorDeclaration(name: "e\u{301}", type: .u8, shape: []),
    TensorDeclaration(name: "last", type: .i64, shape: [0, 5]),
  ]

  func write(_ path: String, overwrite: Bool = false) throws -> String? {
    let writer = try SafetensorsWriter(
      path: path, tensors: Self.tensors, metadata: [("format", "pt"), ("quote", "\"\\\n")],
      overwrite: overwrite, digest: true)
    try writer.append([1, 2] as [Float], to: "a")
    try writer.append([3, 4] as [Float], to: "a")
    try writer.append([0.5, -1, 65504] as [Float16], to: "\u{e9}")
    try writer.append([7] as [UInt8], to: "e\u{301}")
    return try writer.finish()
  }

  @Test func roundTrip() throws {
    let path = folder("model.safetensors")
    let digest = try write(path)
    let file = try SafetensorsFile(path: path)
    #expect(
      file.tensors.map { TensorDeclaration(name: $0.name, type: $0.type, shape: $0.shape) }
        .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        == Self.tensors.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) })
    #expect(try file.floats(of: try #require(file.tensor(named: "a"))) == [1, 2, 3, 4])
    #expect(try file.floats(of: try #require(file.tensor(named: "\u{e9}"))) == [0.5, -1, 65504])
    #expect(Array(file.bytes(of: try #require(file.tensor(named: "e\u{301}")))) == [7])
    #expect(file.metadata["quote"]?.string == "\"\\\n")
    #expect(digest == SHA256.hexDigest(of: try fileBytes(path)))
    #expect(try folder.contents == ["model.safetensors"])
  }

  /// The bytes, written by hand from the specification.
  @Test func layout() throws {
    let path = folder("a.safetensors")
    let writer = try SafetensorsWriter(
      path: path, tensors: [TensorDeclaration(name: "a", type: .u8, shape: [1, 2])])
    try writer.append([9, 8] as [UInt8], to: "a")
    #expect(try writer.finish() == nil)
    let header = #"{"a":{"dtype":"U8","shape":[1,2],"data_offsets":[0,2]}}"#
    let padding = String(repeating: " ", count: 64 - (8 + header.utf8.count) % 64)
    let text = Array((header + padding).utf8)
    #expect(try fileBytes(path) == [UInt8(text.count), 0, 0, 0, 0, 0, 0, 0] + text + [9, 8])
  }

  @Test(arguments: 1...40) func dataStartsAligned(nameLength: Int) throws {
    let name = String(repeating: "n", count: nameLength)
    let path = folder("\(nameLength).safetensors")
    let writer = try SafetensorsWriter(
      path: path, tensors: [TensorDeclaration(name: name, type: .f32, shape: [1])])
    try writer.append([1] as [Float], to: name)
    try writer.finish()
    let tensor = try #require(try SafetensorsFile(path: path).tensor(named: name))
    #expect(tensor.byteRange.lowerBound % 64 == 0)
    #expect(writer.fileSize == tensor.byteRange.upperBound)
  }

  /// Chunks below, at and above the size of the write buffer.
  @Test func manyChunks() throws {
    let size = 5 << 20
    let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
    let path = folder("big.safetensors")
    let writer = try SafetensorsWriter(
      path: path, tensors: [TensorDeclaration(name: "a", type: .u8, shape: [size])], digest: true)
    var random = SplitMix64(seed: 1)
    var start = 0
    while start < size {
      let chunk = [1, 1000, 1 << 20, 1 << 20 + 1, 300_000].randomElement(using: &random)!
      let end = min(size, start + chunk)
      try writer.append(Array(bytes[start..<end]), to: "a")
      start = end
    }
    let digest = try writer.finish()
    let file = try SafetensorsFile(path: path)
    #expect(file.bytes(of: try #require(file.tensor(named: "a"))).elementsEqual(bytes))
    #expect(digest == SHA256.hexDigest(of: try fileBytes(path)))
  }

  @Test func refusesExistingOutput() throws {
    let path = try folder.put("model.safetensors", [1, 2, 3])
    let error = #expect(throws: CheckpointError.self) { try write(path) }
    #expect(error == .exists(path: path) && error?.exitCode == 73)
    #expect(try fileBytes(path) == [1, 2, 3])
    _ = try write(path, overwrite: true)
    #expect(try SafetensorsFile(path: path).tensors.count == Self.tensors.count)
    #expect(try folder.contents == ["model.safetensors"])
  }

  /// Another process may make the output while this one writes.
  @Test func doesNotReplaceWhatCameMeanwhile() throws {
    let path = folder("a.safetensors")
    let writer = try SafetensorsWriter(path: path, tensors: [])
    try folder.put("a.safetensors", [5])
    let error = #expect(throws: CheckpointError.self) { try writer.finish() }
    #expect(error == .exists(path: path))
    #expect(try fileBytes(path) == [5])
    #expect(try folder.contents == ["a.safetensors"])
  }

  @Test func abandonedWriterLeavesNothing() throws {
    do {
      let writer = try SafetensorsWriter(path: folder("a"), tensors: Self.tensors)
      try writer.append([1] as [Float], to: "a")
      #expect(try folder.contents.count == 1)
    }
    #expect(try folder.contents == [])
    let writer = try SafetensorsWriter(path: folder("a"), tensors: Self.tensors)
    writer.cancel()
    #expect(try folder.contents == [])
  }

  @Test func missingFolder() throws {
    let error = #expect(throws: CheckpointError.self) { try write(folder("no/such/file")) }
    #expect(error?.exitCode == 66)
  }
}

@Suite struct SafetensorsDirectoryTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  func writeShard(_ name: String, _ tensors: [(String, [Float])]) throws {
    let writer = try SafetensorsWriter(
      path: folder(name),
      tensors: tensors.map { TensorDeclaration(name: $0.0, type: .f32, shape: [$0.1.count]) })
    for (name, values) in tensors { try writer.append(values, to: name) }
    try writer.finish()
  }

  @Test func singleFile() throws {
    try writeShard("model.safetensors", [("a", [1]), ("b", [2, 3])])
    let model = try SafetensorsDirectory(path: folder.path)
    #expect(model.tensors.map(\.name) == ["a", "b"])
    #expect(try model.floats(of: model.requiredTensor(named: "b")) == [2, 3])
  }

  @Test func shards() throws {
    try writeShard("one.safetensors", [("a", [1]), ("c", [4, 5])])
    try writeShard("two.safetensors", [("b", [2, 3]), ("ignored", [9])])
    try folder.put(
      "model.safetensors.index.json",
      Array(
        """
        {"metadata": {"total_size": 20}, "weight_map":
          {"b": "two.safetensors", "c": "one.safetensors", "a": "one.safetensors"}}
        """.utf8))
    let model = try SafetensorsDirectory(path: folder.path)
    #expect(Set(model.tensors.map(\.name)) == ["a", "b", "c"])
    #expect(try model.floats(of: model.requiredTensor(named: "a")) == [1])
    #expect(try model.floats(of: model.requiredTensor(named: "b")) == [2, 3])
    #expect(try model.floats(of: model.requiredTensor(named: "c")) == [4, 5])
  }

  @Test func emptyFolder() throws {
    let error = #expect(throws: CheckpointError.self) {
      try SafetensorsDirectory(path: folder.path)
    }
    #expect(error?.exitCode == 66)
    #expect(error?.description.contains("model.safetensors") == true)
  }
}
