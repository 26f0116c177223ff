internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import Quantization

extension FuzzTarget {
  private static let folder = ScratchFolder("-quantized")
  private static let fixtures = "InterchangeTests/Fixtures"

  /// A quantized model of another program: one of the golden directories, with a configuration of
  /// the input's and some bytes of its weights changed.
  ///
  /// The input: which directory, the text of config.json, a zero byte, then triples of two bytes
  /// that say where and one that says what.
  static let quantizedModel = FuzzTarget(
    name: "quantized-model", maximumSize: 4096,
    seeds: {
      try directories().enumerated().map { index, path in
        try [UInt8(index)] + Fixture.bytes(atPath: path + "/config.json") + [0]
      }
    },
    words: [
      "quantization_config", "quant_method", "gptq", "awq", "compressed-tensors", "bits",
      "group_size", "checkpoint_format", "gptq_v2", "desc_act", "config_groups", "num_bits",
      "strategy", "quantization", "affine", "weight_g_idx",
    ],
    read: { bytes in
      let directories = try directories()
      guard let first = bytes.first else { throw FuzzInputError() }
      let input = bytes.dropFirst()
      let end = input.firstIndex(of: 0) ?? input.endIndex
      folder.put("config.json", Array(input[..<end]))
      var weights = try Fixture.bytes(
        atPath: directories[Int(first) % directories.count] + "/model.safetensors")
      let patches = Array(input[end...].dropFirst())
      for start in stride(from: 0, to: patches.count - 2, by: 3) {
        // The header is most of what can be wrong; numbers lie behind it.
        let place = Int(patches[start]) << 8 | Int(patches[start + 1])
        weights[place % weights.count] = patches[start + 2]
      }
      folder.put("model.safetensors", weights)
      readCodes(try ModelSource.open(folder.path))
    })

  private struct FuzzInputError: Error {}

  private static func directories() throws -> [String] {
    let root = Fixture.path(fixtures)
    return try FileManager.default.contentsOfDirectory(atPath: root).sorted()
      .map { root + "/" + $0 }
      .filter { FileManager.default.fileExists(atPath: $0 + "/model.safetensors") }
  }

  /// Reads the first and the last row of every matrix, as an import would.
  private static func readCodes(_ source: ModelSource) {
    for tensor in source.tensors where tensor.rows > 0 {
      for row in Set([0, tensor.rows - 1]) {
        guard let rows = try? source.codedRows(tensor, rows: row..<row + 1) else { continue }
        require(rows.dequantized().count == tensor.columns, "a row of another length")
      }
    }
  }
}
