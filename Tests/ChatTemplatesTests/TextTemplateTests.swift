import ChatTemplates
import JSONText
import Testing

/// Where templates over records differ from those of chats.
@Suite struct TextTemplateTests {
  private static let members: [JSONValue.Member] = [
    .init(key: "text", value: "a [b] c [d [e] f"), .init(key: "list", value: ["x", "y", 3]),
    .init(key: "inner", value: ["k": "v"]), .init(key: "flag", value: true),
  ]

  /// Right sides by jinja2 with lm-evaluation-harness's environment.
  @Test(arguments: [
    ("{{text}}\n", "a [b] c [d [e] f\n"), ("{% if flag %}\n  yes\n{% endif %}\n", "\n  yes\n\n"),
    ("{{ text | regex_replace('\\[.*?\\]', '-') }}", "a - c - f"),
    ("{{ list.index('y') }}", "1"), ("{{ list.index(3) }}", "2"), ("{{ inner.k }}", "v"),
    ("{{ missing is defined }}", "False"),
  ])
  func texts(source: String, text: String) throws {
    #expect(try TextTemplate(source: source).text(Self.members) == text)
  }

  @Test(arguments: [
    "{{ missing }}", "{{ inner.missing }}", "{{ list[9] }}", "{{ list.index('z') }}",
    "{{ text | regex_replace('(', '') }}", "{{ missing | trim }}",
  ])
  func faults(source: String) throws {
    let template = try TextTemplate(source: source)
    #expect(throws: ChatTemplateError.self) { try template.text(Self.members) }
  }

  @Test func values() throws {
    func value(_ source: String) throws -> JSONValue {
      try TextTemplate(source: source).value(Self.members)
    }
    #expect(try value("{{ list }}") == ["x", "y", 3])
    #expect(try value("{{ {'a': [flag, none, 1.5]} }}") == ["a": [true, nil, 1.5]])
    #expect(try value("{{ list }} ") == "['x', 'y', 3] ")
    #expect(throws: ChatTemplateError.self) { try value("{{ missing }}") }
  }

  /// Patterns and strictness are not for templates that come with models.
  @Test func chatsAreAsBefore() throws {
    let chat = try ChatTemplate(source: "{{ missing }}{% if true %}\n{% endif %}x")
    #expect(
      try chat.render(
        messages: [], addGenerationPrompt: false, bosToken: nil, eosToken: nil) == "x")
    let pattern = try ChatTemplate(source: "{{ 'a' | regex_replace('a', 'b') }}")
    #expect(throws: ChatTemplateError.self) {
      try pattern.render(messages: [], addGenerationPrompt: false, bosToken: nil, eosToken: nil)
    }
  }
}
