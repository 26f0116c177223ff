internal import ArgumentParser

@main
struct Peqa: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "peqa", abstract: "Fine-tune quantized language models by their scales.")
}
