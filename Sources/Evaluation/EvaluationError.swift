internal import ExitCodes

/// Why a model cannot be evaluated or asked.
package enum EvaluationError: ExitCoded, Equatable, CustomStringConvertible {
  /// A setting that has no meaning; `flag` as the command line spells it.
  case badSetting(flag: String, reason: String)
  case textTooShort(tokens: Int, needed: Int)
  /// A text of more bytes than are tokenized at once.
  case textTooLong(bytes: Int)
  case noBOS
  case noChatTemplate
  /// A loss that is no number, in window or sequence `item`.
  case lossNotFinite(item: Int, value: Double)
  /// A logit that is no number, after `position` tokens.
  case logitNotFinite(position: Int)
  case promptTooLong(tokens: Int, context: Int)
  case emptyPrompt
  /// What a rank has sent cannot be read: the ranks run different programs.
  case badAnswers(rank: Int)
  /// The caller's poll asked to stop.
  case stopped

  /// By sysexits. A stopped run exits with the code of its signal, which the caller knows.
  package var exitCode: Int32 {
    switch self {
    case .badSetting: 64
    case .textTooShort, .textTooLong, .promptTooLong, .emptyPrompt: 65
    case .noBOS, .noChatTemplate: 78
    case .lossNotFinite, .logitNotFinite: 3
    case .badAnswers: 69
    case .stopped: 130
    }
  }

  package var description: String {
    switch self {
    case .badSetting(let flag, let reason): "\(flag): \(reason)"
    case .textTooShort(let tokens, let needed):
      "the text has \(tokens) token(s), a loss needs at least \(needed); give a longer text"
    case .textTooLong(let bytes):
      "the text has \(bytes) bytes, at most \(TextPerplexity.longestText) are read; split the file"
    case .noBOS: "the model's tokenizer has no BOS token; use --no-bos"
    case .noChatTemplate:
      "the model brings no chat template; name one with --chat-template, or use --prompt"
    case .lossNotFinite(let item, let value):
      "the loss of window or sequence \(item) is \(value). The weights or the adapter's scales are "
        + "damaged; check them with \"peqa inspect\", or try --dtype fp32."
    case .logitNotFinite(let position):
      "the model gives logits that are no numbers after \(position) tokens. The weights or the "
        + "adapter's scales are damaged; check them with \"peqa inspect\", or try --dtype fp32."
    case .promptTooLong(let tokens, let context):
      "the prompt has \(tokens) tokens, the model's context holds \(context); shorten the prompt"
    case .emptyPrompt:
      "the prompt has no tokens and the model has no BOS token to begin with; give a prompt"
    case .badAnswers(let rank):
      "the answers of rank \(rank) cannot be read; start the same program on all hosts"
    case .stopped: "stopped on request"
    }
  }
}
