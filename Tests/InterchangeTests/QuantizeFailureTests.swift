internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import Glibc
internal import Interchange
internal import Kernels
internal import Quantization
internal import Synchronization
import Testing

/// Whatever goes wrong, nothing new stands in the folder afterwards and nothing old is lost.
@Suite struct QuantizeFailureTests {
  private func quantize(
    _ model: String, _ output: String, _ options: QuantizeOptions = QuantizeOptions(),
    isCancelled: @escaping () -> Bool = { false }
  ) throws -> QuantizeReport {
    try QuantizeModel(
      ModelSource.open(model), options, pool: WorkerPool(threads: 1), isCancelled: isCancelled
    ).run(output: output)
  }

  private func content(_ folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
  }

  @Test func existingOutputIsRefusedAndKept() throws {
    try Scratch.withFolder { folder in
      let output = folder + "/base"
      let first = try quantize(Scratch.fixture("dense_f16"), output)
      let error = #expect(throws: CheckpointError.exists(path: output)) {
        try quantize(Scratch.fixture("dense_bf16"), output)
      }
      #expect(error?.exitCode == 73)
      #expect(try QuantizedBase(path: output).manifest == first.manifest)
      let second = try quantize(
        Scratch.fixture("dense_bf16"), output + "/", QuantizeOptions(overwrite: true))
      #expect(try QuantizedBase(path: output).manifest == second.manifest)
      #expect(second.manifest.baseDigest != first.manifest.baseDigest)
      #expect(try content(folder) == ["base"])
    }
  }

  /// --overwrite replaces bases only: somebody's folder or file stays.
  @Test func whatIsNoBaseIsNeverReplaced() throws {
    try Scratch.withFolder { folder in
      try FileManager.default.createDirectory(
        atPath: folder + "/home", withIntermediateDirectories: false)
      try AtomicFile.write("precious", to: folder + "/home/letter")
      try AtomicFile.write("precious", to: folder + "/file")
      for output in [folder + "/home", folder + "/file"] {
        #expect(throws: CheckpointError.exists(path: output)) {
          try quantize(Scratch.fixture("dense_f16"), output, QuantizeOptions(overwrite: true))
        }
      }
      #expect(try content(folder) == ["file", "home"])
      #expect(try content(folder + "/home") == ["letter"])
    }
  }

  @Test func anEmptyFolderIsFilled() throws {
    try Scratch.withFolder { folder in
      _ = try quantize(Scratch.fixture("dense_f16"), folder + "/")
      #expect(QuantizedBase.isBase(folder))
    }
  }

  @Test func brokenWeightsAreNamed() throws {
    try Scratch.withModel { model in
      let name = "model.layers.0.mlp.gate_proj.weight"
      try Scratch.patch(model, name, 3 * 32 + 5, .nan)
      let folder = model + "/.."
      #expect(
        throws: ModelFileError.notFinite(path: model, tensor: name, row: 3, column: 5)
      ) { try quantize(model, folder + "/base") }
      #expect(try content(folder) == ["model"])
    }
  }

  @Test func scalesBeyondHalfPrecisionAreNamed() throws {
    try Scratch.withModel { model in
      try Scratch.patch(model, "model.layers.0.mlp.gate_proj.weight", 0, 1e9)
      let error = #expect(throws: ModelFileError.self) { try quantize(model, model + "/../base") }
      #expect(error?.exitCode == 65)
      #expect(error?.description.contains("mlp.gate_proj") == true)
      #expect(try content(model + "/..") == ["model"])
    }
  }

  @Test func aMissingTokenizerIsRefused() throws {
    try Scratch.withModel { model in
      try FileManager.default.removeItem(atPath: model + "/tokenizer.json")
      let error = #expect(throws: ModelFileError.self) { try quantize(model, model + "/../base") }
      #expect(error?.exitCode == 66)
      #expect(error?.description.contains("tokenizer.json") == true)
    }
  }

  @Test func missingParentIsRefused() {
    let error = #expect(throws: CheckpointError.self) {
      try quantize(Scratch.fixture("dense_f16"), "/nonexistent/folder/base")
    }
    #expect(error?.exitCode == 66)
  }

  @Test func twoBitsNeedConsent() throws {
    try Scratch.withFolder { folder in
      let options = QuantizeOptions(settings: .init(bits: 2))
      let error = #expect(throws: QuantizationError.self) {
        try quantize(Scratch.fixture("dense_f16"), folder + "/base", options)
      }
      #expect(error?.description.contains("--allow-poor-quality") == true)
      let left = try content(folder)
      #expect(left == [])
    }
  }

  @Test func codesThatAreNotThereCannotBeKept() throws {
    try Scratch.withFolder { folder in
      for model in ["dense_f16", "gguf/llama_f16.gguf"] {
        #expect(throws: ModelFileError.self) {
          try quantize(
            Scratch.fixture(model), folder + "/base", QuantizeOptions(reusesCodes: true))
        }
      }
      let left = try content(folder)
      #expect(left == [])
    }
  }

  /// Cancelled at every point where it is asked: the output is there complete, or nothing is.
  @Test func cancellingLeavesNothing() throws {
    var point = 0
    while true {
      let asked = Atomic<Int>(0)
      let last = point
      let finished = try Scratch.withFolder { folder in
        do {
          _ = try quantize(
            Scratch.fixture("dense_f16"), folder + "/base",
            isCancelled: { asked.add(1, ordering: .relaxed).oldValue == last })
          #expect(try content(folder) == ["base"])
          return true
        } catch QuantizationError.cancelled {
          let left = try content(folder)
          #expect(left == [])
          return false
        }
      }
      if finished { break }
      point += 1
    }
    // Vocabulary twice, norms, fourteen layers, the end.
    #expect(point > 20)
  }

  /// A container may forbid it even to root.
  private static let canMount = {
    (try? Scratch.withFolder { folder in
      guard mount("tmpfs", folder, "tmpfs", 0, "size=32k") == 0 else { return false }
      return umount(folder) == 0
    }) ?? false
  }()

  /// A file system of 32 KB, which needs the rights to mount one.
  @Test(.enabled(if: canMount, "mounting a small file system needs rights"))
  func aFullDiskIsReportedAndLeftClean() throws {
    try Scratch.withFolder { folder in
      try #require(mount("tmpfs", folder, "tmpfs", 0, "size=32k") == 0)
      defer { umount(folder) }
      let error = #expect(throws: CheckpointError.self) {
        try quantize(Scratch.fixture("dense_f16"), folder + "/base")
      }
      #expect(error?.exitCode == 74)
      guard case .full = error else {
        Issue.record("expected a full disk, got \(String(describing: error))")
        return
      }
      let left = try content(folder)
      #expect(left == [])
    }
  }
}
