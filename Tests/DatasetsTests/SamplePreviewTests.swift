import Datasets
import TestSupport
import Testing

@Suite struct SamplePreviewTests {
  @Test func supervisedTextStandsOut() throws {
    let folder = try TemporaryFolder()
    let lines =
      #"{"prompt":"ask\u001b[31m","completion":"say\u0007\n"}"# + "\n"
      + #"{"prompt":"p","completion":"c"}"#
    let source = DatasetSource(path: try folder.put("a.jsonl", lines))
    let train = try folder.builder(source).build().train
    let preview = SamplePreview(tokenizer: ByteTokenizer()).text(of: 0, in: train)
    let expected = """
      --- sequence 0, \(source.path):1: 15 tokens, 6 in the loss
      <s>ask\\u{1B}[31m⟦say\\u{7}
      </s>⟧
      --- sequence 0, \(source.path):2: 4 tokens, 2 in the loss
      <s>p⟦c</s>⟧
      """
    #expect(preview == expected)
    let colour = SamplePreview(tokenizer: ByteTokenizer(), marking: .colour)
    #expect(colour.text(tokens: [97, 98, 99], targets: [-1, 99, -1]) == "ab\u{1B}[32mc\u{1B}[0m")
  }

  @Test func longSegmentsLoseTheirMiddle() {
    let preview = SamplePreview(tokenizer: ByteTokenizer(), maximumTokens: 4)
    let tokens = "abcdefgh".utf8.map { Int32($0) }
    let targets: [Int32] = [98, -1, -1, -1, -1, -1, 104, -1]
    #expect(preview.text(tokens: tokens, targets: targets) == "a⟦b⟧\n... 4 tokens ...\ng⟦h⟧")
  }
}
