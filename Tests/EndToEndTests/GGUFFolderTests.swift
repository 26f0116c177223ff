import Foundation
import JSONText
import TestSupport
import Testing

/// A folder that holds nothing but one .gguf file is a model with its tokenizer.
@Suite struct GGUFFolderTests {
  @Test func folderAndFileGiveTheSamePerplexity() throws {
    let folder = try TemporaryFolder()
    let file = Program.root.appending(
      path: "Tests/DecoderModelTests/Fixtures/gguf/llama_f16.gguf")
    try folder.write(TemporaryFolder.text, to: "text.txt")
    try FileManager.default.createDirectory(
      at: folder.file("model"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(at: file, to: folder.file("model/llama.gguf"))
    let perplexities = try [file.path, folder.file("model").path].map { model in
      let output = try Program.run([
        "eval", model, "--perplexity", folder.file("text.txt").path, "--max-length", "32",
        "--windows", "2", "--no-bos", "--json",
      ])
      #expect(output.status == 0, "\(output.standardError)")
      return try JSONValue(parsing: output.standardOutput)["perplexity"]?.double
    }
    #expect(perplexities[0] != nil && perplexities[0] == perplexities[1])
  }
}
