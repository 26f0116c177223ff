internal import ArgumentParser
internal import Checkpoints
internal import DecoderModel
internal import JSONText
internal import Reporting

/// `peqa adapter diff`: which scales differ between two adapters, or were moved by training.
struct AdapterDiff: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Say which layers and rows differ between two adapters, and by how much.",
    discussion: """
      Differences are relative: |b/a - 1|. With a base as A they are what training has moved. \
      Numbers that are 0 in A alone have none; they are counted as "from 0".
      """)

  @OptionGroup var ends: AdapterEnds

  @Option(parsing: .unconditional, help: "Rows to name, those first that have moved most.")
  var top = 20

  @OptionGroup var output: OutputOptions
  @OptionGroup var verbosity: VerbosityOptions

  func validate() throws {
    guard top >= 0 else { throw ValidationError("--top must be at least 0.") }
  }

  func run() throws {
    let console = Console(verbosity: verbosity.level)
    let arithmetic = try AdapterArithmetic(ends.both, over: ends.base)
    let report = AdapterDiffReport(
      a: ends.both[0], b: ends.both[1], form: arithmetic.model.form.rawValue,
      difference: arithmetic.difference(top: top))
    if output.json {
      console.result(report.json.text(indent: 2))
    } else {
      for line in report.lines { console.result(line) }
    }
  }
}

/// A difference in both forms of output.
private struct AdapterDiffReport {
  let a: String
  let b: String
  let form: String
  let difference: AdapterDifference

  var lines: [String] {
    let all = difference.all
    let head = ["a  \(a)", "b  \(b)"]
    guard !difference.isIdentical else {
      return head + ["Identical: all \(all.count) \(form) have the same values."]
    }
    var lines =
      head + [
        "\(all.changed) of \(all.count) \(form) differ (\(percent(all.changedShare))): RMS "
          + "\(percent(all.rms)), largest \(percent(all.largest))"
      ]
    if all.fromZero > 0 {
      lines.append("\(all.fromZero) are 0 in a alone: they have no relative difference")
    }
    lines += [""] + table("layer", difference.layers.map { (name($0.key), $0.movement) })
    lines += [""] + table("kind", difference.kinds.map { ($0.key, $0.movement) })
    guard !difference.rows.isEmpty else { return lines }
    return lines + ["", "rows that differ most"] + rows
  }

  private func table(_ heading: String, _ groups: [(String, ScaleMovement)]) -> [String] {
    var table = TextTable(
      (heading, .left), (form, .right), ("changed", .right), ("RMS", .right), ("largest", .right),
      ("from 0", .right))
    for (name, movement) in groups {
      table.add(
        name, "\(movement.count)", percent(movement.changedShare), percent(movement.rms),
        percent(movement.largest), "\(movement.fromZero)")
    }
    return table.lines
  }

  private var rows: [String] {
    var table = TextTable(
      ("layer", .left), ("kind", .left), ("row", .right), ("RMS", .right), ("largest", .right),
      ("from 0", .right))
    for row in difference.rows {
      // Experts share a kind: the tensor's own name says which.
      let kind = row.place.kind.contains("*") ? row.tensor : row.place.kind
      table.add(
        name(row.place.layer), kind, "\(row.row)", percent(row.movement.rms),
        percent(row.movement.largest), "\(row.movement.fromZero)")
    }
    return table.lines
  }

  private func name(_ layer: Int?) -> String { layer.map { "\($0)" } ?? "-" }

  private func percent(_ share: Double) -> String { "\(significant(share * 100, digits: 3)) %" }
}

extension AdapterDiffReport {
  var json: JSONValue {
    let ends: [(String, JSONValue)] = [
      ("a", .string(a)), ("b", .string(b)), ("form", .string(form)),
      ("identical", .bool(difference.isIdentical)),
    ]
    let parts: [(String, JSONValue)] = [
      (
        "layers",
        .array(difference.layers.map { object([("layer", json($0.key))], $0.movement) })
      ),
      (
        "kinds",
        .array(difference.kinds.map { object([("kind", .string($0.key))], $0.movement) })
      ),
      ("tensors", .array(difference.tensors.map(json))),
      ("rows", .array(difference.rows.map(json))),
    ]
    guard case .object(let members) = object(ends, difference.all) else { return .null }
    return .object(members + parts.map { .init(key: $0.0, value: $0.1) })
  }

  private func json(_ tensor: AdapterDifference.Tensor) -> JSONValue {
    object(
      [
        ("name", .string(tensor.declaration.name)),
        ("type", .string(tensor.declaration.type.name)),
        ("shape", .array(tensor.declaration.shape.map { .integer($0) })),
        ("layer", json(tensor.place.layer)), ("kind", .string(tensor.place.kind)),
      ], tensor.movement)
  }

  private func json(_ row: AdapterDifference.Row) -> JSONValue {
    object(
      [
        ("tensor", .string(row.tensor)), ("layer", json(row.place.layer)),
        ("kind", .string(row.place.kind)), ("row", .integer(row.row)),
      ], row.movement)
  }

  private func json(_ layer: Int?) -> JSONValue { layer.map { .integer($0) } ?? .null }

  private func object(_ names: [(String, JSONValue)], _ movement: ScaleMovement) -> JSONValue {
    let numbers: [(String, JSONValue)] = [
      ("numbers", .integer(movement.count)), ("changed", .integer(movement.changed)),
      ("changed_share", .real(movement.changedShare)), ("rms", .real(movement.rms)),
      ("largest", .real(movement.largest)), ("from_zero", .integer(movement.fromZero)),
    ]
    return .object((names + numbers).map { .init(key: $0.0, value: $0.1) })
  }
}
