internal import ChatTemplates
internal import JSONText
internal import Tokenization

extension FuzzTarget {
  /// A document that is read is the same document after writing and reading it again.
  static let json = FuzzTarget(
    name: "json", maximumSize: 4096,
    seeds: { try Fixture.all(".json") },
    words: ["true", "false", "null", "\\u", "1e99"],
    read: { bytes in
      let value = try JSONValue(parsing: bytes)
      require((try? JSONValue(parsing: value.text())) == value, "compact text is no round trip")
      require((try? JSONValue(parsing: value.text(indent: 2))) == value, "text is no round trip")
    })

  private static let templateWords = [
    "{%", "%}", "{{", "}}", "{#", "#}", "-%}", "{%-", "for", "endfor", "if", "elif", "else",
    "endif",
    "set", "endset", "macro", "endmacro", "in", "not in", "is defined", "namespace(", "range(",
    "loop.index0", "loop.first", "loop.last", "messages", "message['role']", "|trim", "|tojson",
    "|length", "|join(", "|replace(", "|selectattr(", "|map(", "|default(", "|indent", "[::-1]",
    ".split(", ".strip()", "strftime_now(", "raise_exception(", "bos_token", "~", "//", "**",
  ]

  /// A template renders a short conversation, or says why not.
  static let template = FuzzTarget(
    name: "template", maximumSize: 4096,
    seeds: { try Fixture.all(".jinja") },
    words: templateWords,
    read: { bytes in
      let template = try ChatTemplate(source: String(decoding: bytes, as: UTF8.self))
      let messages = [
        ChatMessage(role: "system", content: "Be brief."),
        ChatMessage(role: "user", content: " What?\n"),
        ChatMessage(role: "assistant", content: "That: {{ 1 }} é"),
      ]
      _ = try template.render(
        messages: messages, addGenerationPrompt: true, bosToken: "<s>", eosToken: "</s>",
        secondsSince1970: 1_700_000_000)
    })
}
