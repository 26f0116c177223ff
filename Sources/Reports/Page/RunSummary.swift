internal import RunHistory

/// What was trained, on what, in a sentence.
struct RunSummary {
  private let record: RunRecord
  private let state: RunState

  init(_ record: RunRecord, _ state: RunState) { (self.record, self.state) = (record, state) }

  var sentence: HTML { "\(what)\(on)\(by)." }

  private var what: HTML {
    let count = trainedNumbers
    let numbers = count > 0 ? "<b>\(Figures.count(count))</b> " as HTML : "The "
    return "\(numbers)scales\(granularity) of \(base)\(verb)"
  }

  private var verb: HTML {
    switch state {
    case .finished: " were tuned"
    case .running: " are being tuned"
    case .stopped, .failed, .unknown: " were tuned in part"
    }
  }

  private var trainedNumbers: Int {
    let count = record.adapter?.trainedNumbers ?? 0
    return count > 0 ? count : record.life?.trainedNumbers ?? 0
  }

  private var granularity: HTML {
    switch record.adapter?.granularity ?? record.settings.text("scale_granularity") {
    case "row": ", one for each row of each matrix,"
    case "group": ", one for each group of weights,"
    case "row+column": ", by rows and columns,"
    default: ""
    }
  }

  private var base: HTML {
    let path = record.life?.model ?? ""
    let model = path.isEmpty ? record.settings.text("model") ?? "" : path
    let bits = record.adapter?.bits ?? 0
    let kind = [bits > 0 ? "\(bits)-bit" : "", record.adapter?.modelType ?? ""]
      .filter { !$0.isEmpty }.joined(separator: " ")
    let name: HTML = "<b title=\"\(model)\">\(Self.name(of: model))</b>"
    return kind.isEmpty ? name : "the \(kind) base \(name)"
  }

  private var on: HTML {
    guard let data = record.life?.data, let first = data.paths.first else { return "" }
    let more = data.paths.count > 1 ? " and \(data.paths.count - 1) more" : ""
    let seen = epochs.map { ", \($0) seen" } ?? ""
    return """
       on <b title="\(first)">\(Self.name(of: first))</b>\(more) \
      (\(Figures.count(data.train.samples, "sample")), \
      \(Figures.count(data.train.tokens)) tokens\(seen))
      """
  }

  private var epochs: String? {
    guard let epoch = record.metrics.last(.epoch)?.value, epoch > 0 else { return nil }
    if epoch < 1 { return Figures.percent(epoch) + " of them" }
    return "\(Figures.short(epoch)) times"
  }

  private var by: HTML {
    guard let life = record.life, life.ranks > 0 else { return "" }
    let hosts = life.hosts.count
    let place =
      hosts == 1 ? life.hosts[0] : hosts > 1 ? Figures.count(hosts, "host") : "an unknown host"
    return " by \(Figures.count(life.ranks, "rank")) on \(place)"
  }

  static func name(of path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }
}
