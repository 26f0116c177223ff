import ChatTemplates
import Foundation
import Kernels
import TestSupport
import Testing

/// Templates from anywhere: each is rendered, or gives one typed error; never a crash or a hang.
struct HostileTemplateTests {
  private func render(_ source: String) throws -> String {
    try ChatTemplate(source: source)
      .render(messages: [], addGenerationPrompt: false, bosToken: nil, eosToken: nil)
  }

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

  /// Few lines that would take minutes, or memory without end, if only their results were charged.
  @Test(
    .timeLimit(.minutes(2)),
    arguments: [
      "{% for i in range(99) %}{{ ('a' * 9999999 + 'b').strip('bcdefghijklmnopqrstuvwxyz' * 9999) }}{% endfor %}",
      "{% set s = 'x' * 9999999 %}{% for i in range(99999) %}{% set t = s[0:1] %}{% endfor %}",
      "{% set s = 'x' * 9999999 %}{% for i in range(99999) %}{% set t = s[0] %}{% endfor %}",
      "{% set l = ['x' * 1048576] %}" + doubled(18) + "{{ raise_exception(l) }}",
      "{% set l = ['x' * 1048576] %}" + doubled(18) + "{{ l | tojson }}",
      "{% set l = [1] %}" + doubled(24),
      "{% set n = namespace(s='x' * 9999999, l=[]) %}{% set l = n.s | list %}",
      "{% set s = 'x' * 999999 %}{% set l = [s, s, s, s, s, s, s, s] %}{% for i in range(99999) %}{% set b = 'y'.endswith(l) %}{% endfor %}",
      "{% set d = ',' * 9999999 %}{{ d.split(',') | length }}",
      "{% set d = 'a ' * 9999999 %}{{ d.split() | length }}",
      "{% set d = '\n' * 9999999 %}{{ d.splitlines() | length }}",
      "{% set s = 'ab' * 999999 %}{% for i in range(9999) %}{% if s is lower %}{% endif %}{% endfor %}",
    ])
  func workIsCharged(source: String) {
    let error = #expect(throws: ChatTemplateError.self) { try render(source) }
    #expect(error?.description.contains("MiB") == true, "\(String(describing: error))")
  }

  /// A list that names one text 2^18 times is no work until its text is asked for.
  @Test func argumentsThatAreNotReadCostNothing() throws {
    #expect(
      try render("{% set l = ['x' * 1048576] %}" + Self.doubled(18) + "{{ 5 | round(0, l) }}")
        == "5.0")
  }

  private static func doubled(_ times: Int) -> String {
    String(repeating: "{% set l = l + l %}", count: times)
  }

  /// Indentation is part of what JSON costs.
  @Test func indentedJSONIsCharged() {
    let source =
      "{% set l = [1] %}" + Self.doubled(16)
      + String(repeating: "{% set l = [l] %}", count: 30)
      + String(repeating: "{{ l | tojson(indent=16) }}", count: 4)
    let error = #expect(throws: ChatTemplateError.self) { try render(source) }
    #expect(error?.description.contains("MiB") == true, "\(String(describing: error))")
  }

  /// Searching is linear: 800 kB in 1.6 MB, where comparing at every place takes minutes.
  @Test(.timeLimit(.minutes(1)))
  func searchIsLinear() throws {
    let source =
      "{% set p = 'a' * 800000 + 'b' %}{% set s = 'a' * 1600000 %}"
      + "{{ p in s }} {{ s.find(p) }} {{ s.count(p) }} {{ s.split(p) | length }} "
      + "{{ s.replace(p, 'x') | length }} {{ (s + p).find(p) }}"
    #expect(try render(source) == "False -1 0 1 1600000 1600000")
  }

  /// A namespace that holds itself prints, and is freed with the render: otherwise every render
  /// below would keep 8 MB: 0.8 GB together.
  @Test func namespaceCyclesAreFreed() throws {
    let template = try ChatTemplate(
      source: "{% set ns = namespace(t=('x' * 1000) * 8000) %}{% set ns.me = ns %}{{ ns }}")
    func residentMB() throws -> Int {
      let text = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
      return (Int(text.split(separator: " ")[1]) ?? 0) * 4096 / 1_000_000
    }
    let before = try residentMB()
    for _ in 0..<100 {
      let text = try template.render(
        messages: [], addGenerationPrompt: false, bosToken: nil, eosToken: nil)
      #expect(text == "<Namespace>")
    }
    #expect(try residentMB() - before < 500)
  }

  /// What a template says to the user reaches a terminal as text, and not all of it.
  @Test func errorsShowNoControlCharacters() {
    let error = #expect(throws: ChatTemplateError.self) {
      try render("{{ raise_exception('\u{1B}]0;owned\u{7}' + 'x' * 100000) }}")
    }
    let text = error?.description ?? ""
    #expect(text.contains(#"\u{1b}]0;owned\u{7}"#), "\(text)")
    #expect(!text.unicodeScalars.contains("\u{1B}") && text.utf8.count < 1200)
  }

  @Test func longTemplatesAreRefused() {
    let raw = "{% raw %}" + String(repeating: "{% x ", count: 40_000)
    #expect(throws: ChatTemplateError.self) { try render(raw) }
    let error = #expect(throws: ChatTemplateError.self) {
      try render(String(repeating: "x", count: 300_000))
    }
    #expect(error?.description.contains("256 kiB") == true)
  }
}
