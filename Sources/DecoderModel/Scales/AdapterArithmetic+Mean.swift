internal import Checkpoints
package import JSONText
internal import Kernels
internal import Quantization

extension AdapterArithmetic {
  /// A weighted mean of the operands that becomes an adapter.
  package struct Recipe: Sendable {
    /// `average` or `interpolate`, for the record.
    package let operation: String
    /// One for each operand; negative ones take its share away. The sum is not 0.
    package let weights: [Double]
    /// t of a line, for the record.
    package let fraction: Double?

    package init(operation: String, weights: [Double], fraction: Double? = nil) {
      (self.operation, self.weights, self.fraction) = (operation, weights, fraction)
    }

    /// (1 - t) A + t B; outside 0...1 it goes on along the line beyond one of them.
    package static func line(_ fraction: Double) -> Recipe {
      Recipe(
        operation: "interpolate", weights: [1 - fraction, fraction], fraction: fraction)
    }

    /// Each the same share.
    package static func evenAverage(of count: Int) -> Recipe {
      Recipe(
        operation: "average", weights: [Double](repeating: 1 / Double(count), count: count))
    }
  }

  /// What has become of the numbers.
  package struct Outcome: Sendable {
    package internal(set) var tensors = 0
    package internal(set) var numbers = 0
    /// Against the first operand; none is infinite.
    package internal(set) var faults = ScaleFaults()
    /// SHA-256 of the adapter_model.safetensors that was written.
    package internal(set) var digest: String?
  }

  /// Throws where an adapter may not be written: only a directory that holds an adapter's two
  /// files and nothing else is replaced.
  package static func check(output: String, overwrite: Bool) throws {
    try StagedDirectory.check(output, overwrite: overwrite, isReplaceable)
  }

  /// Computes the mean: sum(w x) / sum(w) in Double, rounded once to the type of the tensor.
  ///
  /// Operands of weight 0 are left out. Throws where a number leaves the range of its type.
  /// Nothing stands at `output` before the adapter is whole; nil writes nothing.
  package func write(
    _ recipe: Recipe, to output: String?, overwrite: Bool = false
  ) throws -> Outcome {
    precondition(recipe.weights.count == operands.count, "one weight for each operand")
    let staged = try output.map {
      try StagedDirectory(path: $0, overwrite: overwrite, isReplaceable: Self.isReplaceable)
    }
    let writer = try staged.map {
      try SafetensorsWriter(
        path: "\($0.temporary)/\(Adapter.weightsName)", tensors: model.tensors,
        metadata: [("format", "pt")], digest: true)
    }
    var outcome = Outcome()
    var faults: [String] = []
    for tensor in model.tensors {
      let bytes = mean(tensor, recipe, &outcome, &faults)
      try writer?.append(bytes, to: tensor.name)
    }
    guard faults.isEmpty else {
      throw ModelFileError.faults(path: output ?? model.path, faults)
    }
    outcome.digest = try writer?.finish()
    guard let staged else { return outcome }
    try AtomicFile.write(
      config(recipe).text(indent: 2) + "\n", to: "\(staged.temporary)/\(Adapter.configName)")
    try staged.commit()
    return outcome
  }

  private func mean(
    _ tensor: TensorDeclaration, _ recipe: Recipe, _ outcome: inout Outcome,
    _ faults: inout [String]
  ) -> [UInt8] {
    guard let type = FloatType(tensor.type) else {
      preconditionFailure("\(tensor.name): \(tensor.type.name) was let in")
    }
    let numbers = mean(tensor, recipe.weights)
    let bytes = type.bytes(of: numbers)
    let stored = bytes.withUnsafeBytes(type.numbers)
    let before = outcome.faults.notFinite
    // Float takes all three types exactly. A zero point may have either sign.
    let hasSign = !tensor.name.hasSuffix(AdapterScales.zerosSuffix)
    for (new, old) in zip(stored, operands[0].numbers(of: tensor)) {
      outcome.faults.count(Float(new), base: hasSign ? Float(old) : Float(new))
    }
    outcome.tensors += 1
    outcome.numbers += numbers.count
    if let first = stored.firstIndex(where: { !$0.isFinite }) {
      faults.append(
        "tensor \"\(tensor.name)\": \(outcome.faults.notFinite - before) of \(numbers.count) "
          + "numbers leave the range of \(tensor.type.name), the first with \(numbers[first]). "
          + "Take weights or a fraction nearer to 0...1.")
    }
    return bytes
  }

  /// In Double. A single operand gives its own numbers, with the sign of zeros.
  private func mean(_ tensor: TensorDeclaration, _ weights: [Double]) -> [Double] {
    let parts = zip(operands, weights).filter { $0.1 != 0 }
    precondition(!parts.isEmpty, "a weight that is not 0")
    let whole = parts.reduce(0) { $0 + $1.1 }
    var sums = parts[0].0.numbers(of: tensor)
    for i in sums.indices { sums[i] *= parts[0].1 }
    for (operand, weight) in parts.dropFirst() {
      for (i, number) in operand.numbers(of: tensor).enumerated() { sums[i] += weight * number }
    }
    for i in sums.indices { sums[i] /= whole }
    return sums
  }

  private static func isReplaceable(_ path: String) -> Bool {
    let own = [Adapter.configName, Adapter.weightsName]
    return Adapter.isAdapter(path) && Folder.names(in: path).allSatisfy(own.contains)
  }
}

// MARK: - The record

extension AdapterArithmetic {
  /// The configuration of the first adapter without what another one says otherwise, and where the
  /// numbers come from.
  package func config(_ recipe: Recipe) -> JSONValue {
    let others = operands.compactMap(\.config)
    let replaced = ["trained_scales", "made_by"]
    var members = (model.config?.members ?? []).filter { member in
      guard !replaced.contains(member.key) else { return false }
      // A path: the same base may lie in several places. The same layers may have been named
      // otherwise.
      guard !["base_model_name_or_path", Adapter.modulesKey].contains(member.key) else {
        return true
      }
      return others.allSatisfy { $0[member.key].map { $0 == member.value } ?? true }
    }
    if model.configDigest == nil, let digest = operands.lazy.compactMap(\.configDigest).first {
      members.append(.init(key: "config_sha256", value: .string(digest)))
    }
    let count = model.tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
    members.append(.init(key: "trained_scales", value: .integer(count)))
    members.append(.init(key: "made_by", value: madeBy(recipe)))
    return .object(members)
  }

  private func madeBy(_ recipe: Recipe) -> JSONValue {
    let operands = operands.map { operand -> JSONValue in
      [
        "name": .string(operand.path), "kind": operand.isBase ? "base" : "adapter",
        "sha256": .string(operand.digest),
      ]
    }
    var members: [JSONValue.Member] = [
      .init(key: "operation", value: .string(recipe.operation)),
      .init(key: "of", value: .array(operands)),
      .init(key: "weights", value: .array(recipe.weights.map { .real($0) })),
    ]
    if let t = recipe.fraction { members.append(.init(key: "fraction", value: .real(t))) }
    return .object(members)
  }
}
