internal import Checkpoints
internal import JSONText

/// Adapters over one base, taken number by number: their weighted means, and how far they lie
/// apart.
///
/// Opening checks that all have the same base, configuration, form, tensors, types and shapes: all
/// change the same layers. A base is an operand, too: its own scales of these layers, or gains of
/// 1. The files are only read.
package struct AdapterArithmetic {
  /// At least one is an adapter.
  package let operands: [AdapterFile]
  /// The first adapter among the operands: it gives the order of tensors and the configuration.
  package let model: AdapterFile

  /// Opens adapters and bases.
  ///
  /// - Parameter base: a base whose tensors all of them must fit, be it an operand or not.
  package init(_ paths: [String], over base: String? = nil) throws {
    var adapters: [String: AdapterFile] = [:]
    for path in paths where !Self.isBase(path) && adapters[path] == nil {
      adapters[path] = try AdapterFile(path: path)
    }
    guard let model = paths.lazy.compactMap({ adapters[$0] }).first else {
      throw ModelFileError.missing(
        path: paths.first ?? "",
        remedy: "no adapter: all that is given are bases. Give the output_dir of a training run.")
    }
    self.model = model
    operands = try paths.map { path in
      if let adapter = adapters[path] { return adapter }
      return AdapterFile(try QuantizedBase(path: path), form: model.form, like: model)
    }
    for other in operands { try other.check(fits: model) }
    if let base, !paths.contains(base) {
      try AdapterFile(QuantizedBase(path: base), form: model.form, like: model)
        .check(fits: model)
    }
  }

  /// A directory that is both is an adapter.
  private static func isBase(_ path: String) -> Bool {
    QuantizedBase.isBase(path) && !Adapter.isAdapter(path)
  }
}

extension AdapterFile {
  /// Throws where the numbers of `model` do not stand against those of this one.
  fileprivate func check(fits model: AdapterFile) throws {
    guard self !== model else { return }
    guard baseDigest == model.baseDigest else {
      throw ModelFileError.digest(
        path: path,
        detail: "this \(isBase ? "is" : "adapter was trained over") base \(baseDigest), but "
          + "\(model.path) was trained over base \(model.baseDigest). Only adapters over one base "
          + "can be combined or compared.")
    }
    if let mine = configDigest, let other = model.configDigest, mine != other {
      throw ModelFileError.digest(
        path: path,
        detail: "config_sha256 is \(mine), but \(model.path) was trained with another config.json "
          + "(\(other)). Only adapters over one base can be combined or compared.")
    }
    guard form == model.form else {
      throw ModelFileError.faults(
        path: path,
        [
          "this adapter holds \(form.rawValue), but \(model.path) holds \(model.form.rawValue). "
            + "They mean different things: train both with the same scale_granularity."
        ])
    }
    let faults = tensorFaults(against: model)
    guard faults.isEmpty else {
      throw ModelFileError.faults(path: path, moduleFaults(against: model) ?? faults)
    }
  }

  /// One sentence where the two were trained in other layers.
  private func moduleFaults(against model: AdapterFile) -> [String]? {
    func modules(_ file: AdapterFile) -> String {
      file.config?[Adapter.modulesKey]?.text() ?? "all layers"
    }
    guard !isBase, modules(self) != modules(model) else { return nil }
    return [
      "\(Adapter.modulesKey) is \(modules(self)), but that of \(model.path) is \(modules(model)). "
        + "Only adapters that change the same layers can be combined or compared."
    ]
  }

  private func tensorFaults(against model: AdapterFile) -> [String] {
    let missing = model.tensors.compactMap { expected -> String? in
      guard let found = tensor(named: expected.name) else {
        return "tensor \"\(expected.name)\" is missing, but \(model.path) has it"
      }
      guard found.type != expected.type || found.shape != expected.shape else { return nil }
      return "tensor \"\(expected.name)\" is \(found.type.name) \(found.shape), but in "
        + "\(model.path) it is \(expected.type.name) \(expected.shape)"
    }
    let extra = tensors.filter { model.tensor(named: $0.name) == nil }.map {
      "tensor \"\($0.name)\" is one that \(model.path) does not have"
    }
    return missing + extra
  }
}
