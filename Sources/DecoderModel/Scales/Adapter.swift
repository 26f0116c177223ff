package import Checkpoints
internal import Foundation
internal import JSONText
internal import Kernels
internal import Quantization

/// A task on disk: `adapter_config.json` and `adapter_model.safetensors` in one directory.
package enum Adapter {
  package static let configName = "adapter_config.json"
  package static let weightsName = "adapter_model.safetensors"
  package static let kind = "PEQA"

  /// True where `path` is a directory with an adapter's configuration.
  package static func isAdapter(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: path + "/" + configName)
  }

  /// Reads the scales of a task over `base`; layers that were not trained keep the base's.
  ///
  /// Throws where the adapter belongs to another base, or lacks or adds a tensor: it has those of
  /// the `target_modules` that its configuration names, of all layers where it names none.
  package static func load(
    _ path: String, base: QuantizedBase, weights: DecoderWeights
  ) throws -> AdapterScales {
    guard isAdapter(path) else {
      throw ModelFileError.missing(
        path: path,
        remedy: "no adapter here: \(configName) is missing. Give the output_dir of a training run.")
    }
    let config = try ModelFiles.json(path + "/" + configName)
    try check(config, path: path, base: base)
    let modules = try modules(config, path: path, base: base)
    let file = try SafetensorsFile(path: path + "/" + weightsName, inMemory: true)
    let usesGains = file.tensors.contains { $0.name.hasSuffix(".gains") }
    let task = AdapterScales(
      form: usesGains ? .gains : .scales, of: weights, modules: modules,
      zeroPoints: !usesGains
        && file.tensors.contains { $0.name.hasSuffix(AdapterScales.zerosSuffix) })
    try task.read(file)
    return task
  }

  /// Member of the configuration that names the trained layers.
  static let modulesKey = "target_modules"

  private static func modules(
    _ config: JSONValue, path: String, base: QuantizedBase
  ) throws -> TargetModules {
    guard let value = config[modulesKey] else { return .all }
    let patterns = value.string.map { [$0] } ?? value.array?.compactMap(\.string) ?? []
    guard patterns.count == value.array?.count ?? 1 else {
      throw ModelFileError.faults(
        path: path + "/" + configName,
        ["\(modulesKey) is \(value.text()), expected a list of patterns"])
    }
    let modules = TargetModules(patterns)
    let faults = modules.faults(in: base.config).map { "\(modulesKey): \($0)" }
    guard faults.isEmpty else {
      throw ModelFileError.faults(path: path + "/" + configName, faults)
    }
    return modules
  }

  private static func check(_ config: JSONValue, path: String, base: QuantizedBase) throws {
    guard config["peft_type"]?.string == kind else {
      throw ModelFileError.faults(
        path: path + "/" + configName,
        ["peft_type is \(config["peft_type"]?.text() ?? "missing"), expected \"\(kind)\""])
    }
    guard let digest = config["base_sha256"]?.string, digest == base.manifest.baseDigest else {
      throw ModelFileError.digest(
        path: path,
        detail: "this adapter was trained over base \(config["base_sha256"]?.string ?? "unknown"), "
          + "not over \(base.path) (\(base.manifest.baseDigest)). "
          + "Use it with the base that it names.")
    }
    if let digest = config["config_sha256"]?.string, digest != base.config.digest {
      throw ModelFileError.digest(
        path: path,
        detail: "this adapter was trained with another config.json than \(base.path) has "
          + "(config_sha256 \(digest), not \(base.config.digest)). Use it with the base that it "
          + "was trained over.")
    }
  }
}

extension AdapterScales {
  /// Shape in the file: [O, scalesPerRow] for scales, [O] for gains.
  package func shape(of entry: Entry) -> [Int] {
    form == .scales ? [entry.rows, entry.groups] : [entry.rows]
  }

  /// Copies all tensors out of an adapter file; all faults are reported together.
  package func read(_ file: SafetensorsFile) throws {
    var faults: [String] = []
    for entry in entries {
      let (name, type) = (entry.tensorName(form), entry.type)
      copy(name, type, shape(of: entry), to: bytes(of: entry), from: file, &faults)
      if !setMinima(entry), type.areFinite(UnsafeRawBufferPointer(bytes(of: entry))) {
        faults.append("tensor \"\(name)\" makes minima that are no numbers of \(type)")
      }
      guard !entry.zeros.isEmpty else { continue }
      copy(
        entry.zerosName, .f16, [entry.rows, entry.sumsPerRow], to: zeroBytes(of: entry), from: file,
        &faults)
    }
    let expected = entries.reduce(0) { $0 + ($1.zeros.isEmpty ? 1 : 2) }
    if file.tensors.count > expected {
      faults.append(
        "\(file.tensors.count - expected) tensors too many for this base and its "
          + "\(Adapter.modulesKey)")
    }
    guard faults.isEmpty else { throw ModelFileError.faults(path: file.path, faults) }
  }

  private func copy(
    _ name: String, _ type: FloatType, _ shape: [Int], to bytes: UnsafeMutableRawBufferPointer,
    from file: SafetensorsFile, _ faults: inout [String]
  ) {
    guard let tensor = file.tensor(named: name) else {
      return faults.append("tensor \"\(name)\" is missing")
    }
    guard tensor.type == type.elementType, tensor.shape == shape else {
      return faults.append(
        "tensor \"\(name)\" is \(tensor.type) \(tensor.shape), expected \(type.elementType) "
          + "\(shape)")
    }
    bytes.copyMemory(from: file.bytes(of: tensor))
    if !type.areFinite(UnsafeRawBufferPointer(bytes)) {
      faults.append("tensor \"\(name)\" holds NaN or infinity")
    }
  }
}
