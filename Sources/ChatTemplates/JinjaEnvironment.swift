/// In what Jinja's users differ.
struct JinjaEnvironment: Sendable {
  /// A newline after a block goes, and indentation before it (`trim_blocks`, `lstrip_blocks`).
  var trimsBlocks: Bool
  /// A newline at the very end of the template stays (`keep_trailing_newline`).
  var keepsLastNewline: Bool
  /// What is not defined may be tested but not printed (`StrictUndefined`).
  var isStrict: Bool
  /// Has the filter `regex_replace`. Patterns come from the owner of the template, never from a
  /// model: their cost is not bounded.
  var hasPatterns: Bool

  /// As `transformers` renders chat templates.
  static let chat = JinjaEnvironment(
    trimsBlocks: true, keepsLastNewline: false, isStrict: false, hasPatterns: false)
  /// As lm-evaluation-harness renders prompts.
  static let tasks = JinjaEnvironment(
    trimsBlocks: false, keepsLastNewline: true, isStrict: true, hasPatterns: true)
}
