internal import RunHistory

/// The data, how long its samples are, and how much of it was used.
struct DataPart {
  private let record: RunRecord

  init(_ record: RunRecord) { self.record = record }

  var html: HTML? {
    guard let data = record.life?.data else { return nil }
    return Block.section("Data", [HTML.grid([facts(data), histogram(data)].compactMap { $0 })])
  }

  private func facts(_ data: RunData) -> HTML {
    var facts: [(String, HTML)] = data.paths.prefix(50).enumerated().map { index, path in
      let type = data.types.indices.contains(index) ? " (\(data.types[index]))" : ""
      return (index == 0 ? "from" : "", "<span class=\"path\">\(path)</span>\(type)")
    }
    facts.append(("training", "\(part(data.train))"))
    if let held = data.validation { facts.append(("held out", "\(part(held))")) }
    if let used { facts.append(("used", "\(used)")) }
    facts.append(("left out", "\(losses(data))"))
    if !data.percentiles.isEmpty {
      let lengths = data.percentiles.map { "\($0.percent) % up to \(Figures.count($0.length))" }
      facts.append(
        (
          "lengths",
          "\(lengths.joined(separator: ", ")), longest \(Figures.count(data.longest)) tokens"
        ))
    }
    return Block.facts(facts)
  }

  private func part(_ part: RunData.Part) -> String {
    "\(Figures.count(part.samples, "sample")) in \(Figures.count(part.sequences, "sequence")), "
      + "\(Figures.count(part.tokens)) tokens, \(Figures.count(part.supervisedTokens)) in the loss"
  }

  private var used: String? {
    guard let epoch = record.metrics.last(.epoch)?.value else { return nil }
    let share =
      epoch < 1
      ? "\(Figures.percent(epoch)) of the training data, once"
      : "all of the training data, \(Figures.short(epoch)) times"
    let tokens = record.metrics.last(.supervisedTokens).map {
      ": \(Figures.count($0.value)) tokens in the loss"
    }
    return share + (tokens ?? "")
  }

  private func losses(_ data: RunData) -> String {
    let parts = [
      (data.dropped, "dropped as too long"), (data.truncated, "cut"),
      (data.unsupervised, "without anything to learn"),
    ].filter { $0.0 > 0 }.map { "\(Figures.count($0.0)) \($0.1)" }
    let total = data.records > 0 ? " of \(Figures.count(data.records, "record"))" : ""
    return parts.isEmpty ? "nothing\(total)" : parts.joined(separator: ", ")
  }

  private func histogram(_ data: RunData) -> HTML? {
    BarChart(
      title: "Lengths of training samples", unit: "samples by tokens",
      bars: data.train.lengths.map { .init(range: $0.least...$0.greatest, count: $0.samples) },
      noun: "sample"
    ).html
  }
}
