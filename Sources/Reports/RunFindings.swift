package import JSONText
internal import RunHistory

/// What is found out for a report beyond what training writes anyway: `report.json`.
package struct RunFindings: Sendable, Equatable {
  /// Nil where it was not measured.
  package var movement: Movement?
  package var samples: [Sample] = []
  package var tasks: [TaskResults] = []

  package init() {}

  /// How far training has moved the numbers of an adapter, relative to the base.
  package struct Movement: Sendable, Equatable {
    /// `scales` or `gains`.
    package var form: String
    package var count: Int
    package var changed: Int
    /// Root of the mean square, and largest, of |after / before - 1|.
    package var rms: Double
    package var largest: Double
    package var tensors: [Part]
    /// Rows that have moved most, the most first.
    package var rows: [Part]

    package init(
      form: String, count: Int, changed: Int, rms: Double, largest: Double, tensors: [Part],
      rows: [Part]
    ) {
      (self.form, self.count, self.changed) = (form, count, changed)
      (self.rms, self.largest, self.tensors, self.rows) = (rms, largest, tensors, rows)
    }
  }

  /// A matrix, or one row of it.
  package struct Part: Sendable, Equatable {
    /// Nil where the name has no number of a layer.
    package var layer: Int?
    package var kind: String
    /// Nil for the whole matrix.
    package var row: Int?
    package var rms: Double
    package var largest: Double

    package init(layer: Int?, kind: String, row: Int? = nil, rms: Double, largest: Double) {
      (self.layer, self.kind, self.row) = (layer, kind, row)
      (self.rms, self.largest) = (rms, largest)
    }
  }

  /// What the base and the tuned model make of a prompt, by the most probable tokens.
  package struct Sample: Sendable, Equatable {
    package var prompt: String
    package var before: String
    package var after: String

    package init(prompt: String, before: String, after: String) {
      (self.prompt, self.before, self.after) = (prompt, before, after)
    }
  }
}

extension RunFindings {
  package var json: JSONValue {
    var members: [JSONValue.Member] = []
    if let movement { members.append(.init(key: "movement", value: movement.json)) }
    let samples = samples.map { sample -> JSONValue in
      [
        "prompt": .string(sample.prompt), "before": .string(sample.before),
        "after": .string(sample.after),
      ]
    }
    if !samples.isEmpty { members.append(.init(key: "samples", value: .array(samples))) }
    return .object(members)
  }

  /// Parts that cannot be read are left out. Tasks stand in files of their own.
  package init(_ json: JSONValue?) {
    movement = Movement(json?["movement"])
    samples = (json?["samples"]?.array ?? []).prefix(1000).compactMap { sample in
      guard let prompt = sample["prompt"]?.string, let before = sample["before"]?.string,
        let after = sample["after"]?.string
      else { return nil }
      return Sample(prompt: prompt, before: before, after: after)
    }
  }
}

extension RunFindings.Movement {
  fileprivate var json: JSONValue {
    [
      "form": .string(form), "numbers": .integer(count), "changed": .integer(changed),
      "rms": .real(rms), "largest": .real(largest), "tensors": .array(tensors.map(\.json)),
      "rows": .array(rows.map(\.json)),
    ]
  }

  fileprivate init?(_ json: JSONValue?) {
    guard let json, let count = json["numbers"]?.count, let changed = json["changed"]?.count,
      let rms = json["rms"]?.double, let largest = json["largest"]?.double
    else { return nil }
    func parts(_ key: String, most: Int) -> [RunFindings.Part] {
      (json[key]?.array ?? []).prefix(most).compactMap(RunFindings.Part.init)
    }
    self.init(
      form: json["form"]?.string ?? "numbers", count: count, changed: changed, rms: rms,
      largest: largest, tensors: parts("tensors", most: 1_000_000), rows: parts("rows", most: 1000))
  }
}

extension RunFindings.Part {
  fileprivate var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init(key: "layer", value: layer.map { .integer($0) } ?? .null),
      .init(key: "kind", value: .string(kind)),
    ]
    if let row { members.append(.init(key: "row", value: .integer(row))) }
    members.append(.init(key: "rms", value: .real(rms)))
    members.append(.init(key: "largest", value: .real(largest)))
    return .object(members)
  }

  fileprivate init?(_ json: JSONValue) {
    guard let kind = json["kind"]?.string, let rms = json["rms"]?.double,
      let largest = json["largest"]?.double
    else { return nil }
    self.init(
      layer: json["layer"]?.count, kind: kind, row: json["row"]?.count, rms: rms, largest: largest)
  }
}
