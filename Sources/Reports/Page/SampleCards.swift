internal import RunHistory

/// What models make of prompts, before and after training, side by side.
struct SampleCards {
  static let note = "The most probable tokens, without chance."

  private let runs: [Report.Run]

  init(_ runs: [Report.Run]) { self.runs = runs }

  var html: HTML? {
    var prompts: [String] = []
    for sample in runs.flatMap(\.findings.samples) where !prompts.contains(sample.prompt) {
      prompts.append(sample.prompt)
    }
    return prompts.isEmpty ? nil : prompts.map(card).joined()
  }

  private func card(_ prompt: String) -> HTML {
    let found = runs.enumerated().compactMap { index, run in
      run.findings.samples.first { $0.prompt == prompt }.map { (index, run.name, $0) }
    }
    // Runs of different bases differ before training, too.
    var answers: [(name: HTML, text: String)] = []
    for (index, name, sample) in found {
      let isNew = !answers.contains { $0.text == sample.before && $0.name == "before" }
      if runs.count == 1 || isNew { answers.append(("before", sample.before)) }
      answers.append(
        runs.count == 1
          ? ("after", sample.after)
          : (.key(name, color: ComparisonPage.color(index)), sample.after))
    }
    let columns = answers.map { answer -> HTML in
      "<div><h3>\(answer.name)</h3><p class=\"text\">\(answer.text)</p></div>"
    }
    return """
      <article class="sample">
      <p class="text prompt">\(prompt)</p>
      <div class="answers">\(columns.joined())</div>
      </article>
      """
  }
}
