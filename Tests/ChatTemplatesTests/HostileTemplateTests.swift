import ChatTemplates
import Kernels
import Testing

/// Templates from anywhere: each is rendered, or gives one typed error; never a crash or a hang.
struct HostileTemplateTests {
  @Test(.timeLimit(.minutes(10)), arguments: ChatTemplateTests.templates)
  func mutatedTemplates(name: String) throws {
    let original = Array(try ChatTemplateTests.source(name).utf8)
    var generator = SplitMix64(seed: UInt64(name.utf8.count))
    let messages = [
      ChatMessage(role: "user", content: "a"), ChatMessage(role: "assistant", content: "b"),
    ]
    var (rendered, refused) = (0, 0)
    for _ in 0..<300 {
      let source = String(decoding: original.mutated(&generator), as: UTF8.self)
      do throws(ChatTemplateError) {
        _ = try ChatTemplate(source: source)
          .render(messages: messages, addGenerationPrompt: true, bosToken: "<s>", eosToken: "</s>")
        rendered += 1
      } catch {
        #expect(error.exitCode == 65)
        refused += 1
      }
    }
    #expect(rendered > 0 && refused > 0)
  }
}
