/// Where training has moved the scales.
struct MovementPart {
  private let movement: RunFindings.Movement?

  init(_ movement: RunFindings.Movement?) { self.movement = movement }

  var html: HTML? {
    guard let movement, movement.count > 0 else { return nil }
    let changed = Double(movement.changed) / Double(movement.count)
    return Block.section(
      "Where scales moved", [map(movement), rows(movement)],
      note:
        "\(Figures.percent(changed)) of \(Figures.count(movement.count)) \(movement.form) differ "
        + "from the base, by a root mean square of \(Figures.percent(movement.rms)) and by "
        + "\(Figures.percent(movement.largest)) at most.")
  }

  /// Matrices of one layer and kind, such as those of experts, are one cell.
  private func map(_ movement: RunFindings.Movement) -> HTML? {
    var kinds: [String] = []
    var layers: Set<Int> = []
    var squares: [Place: (sum: Double, count: Int)] = [:]
    for tensor in movement.tensors {
      guard let layer = tensor.layer, layers.count < 1000, kinds.count < 100 else {
        continue
      }
      if !kinds.contains(tensor.kind) { kinds.append(tensor.kind) }
      layers.insert(layer)
      let sum = squares[Place(layer: layer, kind: tensor.kind)] ?? (0, 0)
      squares[Place(layer: layer, kind: tensor.kind)] = (
        sum.sum + tensor.rms * tensor.rms, sum.count + 1
      )
    }
    let columns = layers.sorted()
    let values = kinds.map { kind in
      columns.map { layer in
        squares[Place(layer: layer, kind: kind)].map { ($0.sum / Double($0.count)).squareRoot() }
      }
    }
    return HeatMap(
      title: "Relative movement", unit: "root mean square, by layer",
      columns: columns.map(String.init),
      rows: kinds.map(Self.short), values: values, text: Figures.percent
    ).html
  }

  private func rows(_ movement: RunFindings.Movement) -> HTML? {
    guard !movement.rows.isEmpty else { return nil }
    let rows = movement.rows.prefix(100).map { row -> [HTML] in
      [
        "\(row.layer.map(String.init) ?? "-")", "\(row.kind)",
        "\(row.row.map(Figures.count) ?? "-")",
        "\(Figures.percent(row.rms))", "\(Figures.percent(row.largest))",
      ]
    }
    let table = Table(
      columns: [
        ("layer", .right), ("matrix", .left), ("row", .right), ("moved by", .right),
        ("at most", .right),
      ], rows: rows)
    return Block.details("The \(rows.count) rows that moved most", table.html)
  }

  /// `q_proj` of `self_attn.q_proj`.
  private static func short(_ kind: String) -> String {
    kind.split(separator: ".").last.map(String.init) ?? kind
  }

  private struct Place: Hashable {
    var layer: Int
    var kind: String
  }
}
