/// The Alpaca prompt, worded as in the Stanford Alpaca repository (`train.py`, `PROMPT_DICT`) with
/// the line end after `### Response:` that axolotl, LLaMA-Factory and alpaca-lora write.
package enum AlpacaPrompt {
  /// The prompt up to where the response starts; an empty `input` gives the form without input.
  package static func text(instruction: String, input: String = "") -> String {
    if input.isEmpty {
      """
      Below is an instruction that describes a task. Write a response that appropriately completes \
      the request.

      ### Instruction:
      \(instruction)

      ### Response:

      """
    } else {
      """
      Below is an instruction that describes a task, paired with an input that provides further \
      context. Write a response that appropriately completes the request.

      ### Instruction:
      \(instruction)

      ### Input:
      \(input)

      ### Response:

      """
    }
  }
}
