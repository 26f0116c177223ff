import ChatTemplates
import Foundation
import JSONText
import TestSupport
import Testing
import Tokenization

/// Rendered text against transformers (see Fixtures/make_template_fixtures.py).
struct ChatTemplateTests {
  static let templates = [
    "features", "named-alpaca", "named-chatml", "named-llama2", "named-llama3", "named-mistral",
    "named-qwen2", "named-zephyr", "style-llama2", "style-llama31", "style-mistral-v3",
    "style-qwen25", "style-thinking",
  ]

  static func source(_ name: String) throws -> String {
    String(decoding: try Fixture.bytes("templates/\(name).jinja"), as: UTF8.self)
  }

  private func check(_ template: ChatTemplate, _ file: String, _ name: String) throws {
    let root = try JSONValue(parsing: Fixture.bytes(file))
    let entry = try #require(root.array?.first { $0["name"]?.string == name })
    let cases = try #require(entry["cases"]?.array)
    try #require(cases.count >= 16)
    for item in cases {
      let messages = try #require(item["messages"]?.array).map {
        ChatMessage(role: $0["role"]?.string ?? "", content: $0["content"]?.string ?? "")
      }
      let result = Result {
        try template.render(
          messages: messages, addGenerationPrompt: item["prompt"]?.bool ?? false, bosToken: "<s>",
          eosToken: "</s>", extra: item["extra"]?.members ?? [])
      }
      if let expected = item["rendered"]?.string {
        #expect(Array(try result.get().utf8) == Array(expected.utf8), "\(item.text())")
      } else {
        #expect(throws: ChatTemplateError.self, "\(item.text())") { try result.get() }
      }
    }
  }

  @Test(arguments: templates)
  func rendering(name: String) throws {
    let template = try ChatTemplate(source: Self.source(name))
    try check(template, "golden-templates.json", name)
  }

  /// The goldens are of the built-in templates as they stand.
  @Test(arguments: ChatTemplate.names)
  func builtIn(name: String) throws {
    #expect(try ChatTemplate(named: name).source == Self.source("named-\(name)"))
  }

  @Test(
    .enabled(if: SmolLM2.path != nil, "needs SmolLM2-135M-Instruct: run the quickstart"))
  func smolLM2() throws {
    let tokenizer = try Tokenizer.load(from: try #require(SmolLM2.path))
    let template = try ChatTemplate(source: try #require(tokenizer.chatTemplateSource))
    try check(template, "golden-smollm2-template.json", "smollm2")
    let turns = try template.renderedTurns(
      [
        ChatMessage(role: "user", content: "Hi"), ChatMessage(role: "assistant", content: "Hello!"),
      ],
      bosToken: nil, eosToken: nil, stopTexts: ["<|im_end|>"])
    let supervised = turns.filter(\.isSupervised).map(\.text)
    #expect(supervised == ["Hello!<|im_end|>"])
  }

  @Test func dates() throws {
    let template = try ChatTemplate(
      source: "{{ strftime_now('%Y-%m-%d %H:%M:%S %b %B %a %A %-d %y %I%p %%') }}")
    // 2024-07-26 12:00 UTC.
    let text = try template.render(
      messages: [], addGenerationPrompt: false, bosToken: nil, eosToken: nil,
      secondsSince1970: 1_721_995_200)
    #expect(text == "2024-07-26 12:00:00 Jul July Fri Friday 26 24 12PM %")
  }

  /// Where a template is wrong, the error says in which line.
  @Test(arguments: [
    ("a\n{% if x %}\nb", 2, "endif"), ("{{ x", 1, "does not end"),
    ("\n\n{{ x | nope }}", 3, "nope"),
    ("{% include 'x' %}", 1, "include"), ("{{ a.b.c }}", 1, "undefined"),
    ("x\n{{ raise_exception('no!') }}", 2, "no!"), ("{{ 1 + 'a' }}", 1, "+"),
    ("{{ 'a' is strange }}", 1, "strange"), ("{{ (1 }}", 1, "expected"), ("{# open", 1, "comment"),
    ("{% for x in 5 %}{% endfor %}", 1, "gone through"), ("{{ 1 // 0 }}", 1, "zero"),
    ("{% endif %}", 1, "endif"), ("{{ [1](2) }}", 1, "called"),
    ("{{ 'x'.format(1) }}", 1, "format"),
    ("{% set x.y = 1 %}", 1, "namespace"), ("{{ 9223372036854775807 + 1 }}", 1, "large"),
    ("{{ {1: 2} }}", 1, "key"), ("{{ {} | tojson | frob }}", 1, "frob"),
    ("{% %}", 1, "name of a block"),
  ])
  func faults(source: String, line: Int, word: String) throws {
    let error = #expect(throws: ChatTemplateError.self) {
      try ChatTemplate(source: source)
        .render(messages: [], addGenerationPrompt: false, bosToken: nil, eosToken: nil)
    }
    let text = try #require(error).description
    #expect(text.hasPrefix("chat template, line \(line): "), "\(text)")
    #expect(text.contains(word), "\(text)")
  }

  /// Templates that would run, grow or nest for ever are stopped.
  @Test(arguments: [
    "{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}",
    "{{ 'x' * 100000000000 }}", "{{ range(1000000000) }}",
    "{% set ns = namespace(t='xxxxxxxx') %}{% for i in range(99) %}{% set ns.t = ns.t ~ ns.t %}{% endfor %}",
    "{% set ns = namespace(t=[1]) %}{% for i in range(99) %}{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.t }}",
    "{% set ns = namespace(t=[1]) %}{% for i in range(99999) %}{% set ns.t = [ns.t] %}{% endfor %}{{ ns.t == ns.t }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% set n = namespace(t='aaaaaaaa' * 99999) %}{% for i in range(9) %}{% set n.t = n.t | replace('a', n.t) %}{% endfor %}",
    "{% set t = 'a' * 9999999 %}{% for i in range(99999) %}{% set x = t | length %}{% endfor %}",
    "{{ " + String(repeating: "(", count: 900) + "1" + String(repeating: ")", count: 900) + " }}",
    "{{ " + String(repeating: "- ", count: 1900) + "1 }}",
    "{{ x" + String(repeating: ".y", count: 5000) + " }}",
    "{{ 1" + String(repeating: " + 1", count: 1000) + " }}",
    String(repeating: "{% if true %}", count: 5000),
  ])
  func bounds(source: String) throws {
    #expect(throws: ChatTemplateError.self) {
      try ChatTemplate(source: source)
        .render(messages: [], addGenerationPrompt: false, bosToken: nil, eosToken: nil)
    }
  }
}
