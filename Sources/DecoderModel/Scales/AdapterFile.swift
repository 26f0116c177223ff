package import Checkpoints
package import JSONText
internal import Kernels
internal import Quantization

/// The numbers of an adapter as its files hold them, of any float type and shape; or those that a
/// base has before training, in the form of such an adapter.
///
/// `Adapter.load` puts scales over a base that is open; this needs no base, and changes nothing.
package final class AdapterFile {
  /// The directory.
  package let path: String
  /// Of a base: it stands for the adapter that leaves it as it is.
  package let isBase: Bool
  package let form: AdapterScales.Form
  /// SHA-256 of `adapter_model.safetensors`; the name of a base.
  package let digest: String
  /// The base that the numbers belong to.
  package let baseDigest: String
  package let configDigest: String?
  /// `adapter_config.json`; nil of a base.
  package let config: JSONValue?
  /// In the order of the file. Types are F16, BF16 or F32.
  package let tensors: [TensorDeclaration]
  private let file: SafetensorsFile

  /// Reads an adapter: its configuration, and that all tensors are of one form and finite.
  package init(path: String) throws {
    guard Adapter.isAdapter(path) else {
      throw ModelFileError.missing(
        path: path,
        remedy: "no adapter and no base here: neither \(Adapter.configName) nor "
          + "\(BaseManifest.fileName) is there. Give the output_dir of a training run.")
    }
    let config = try ModelFiles.json(path + "/" + Adapter.configName)
    baseDigest = try Self.baseDigest(config, path: path)
    let file = try SafetensorsFile(path: path + "/" + Adapter.weightsName)
    self.file = file
    form = try Self.form(of: file)
    digest = file.tensors.first.map { SHA256.hexDigest(of: file.file(of: $0).bytes) } ?? ""
    configDigest = config["config_sha256"]?.string
    tensors = file.tensors.map(TensorDeclaration.init)
    (self.path, self.config, isBase) = (path, config, false)
    try checkNumbers()
  }

  /// What `base` has before training: its own scales, or gains of 1.
  ///
  /// - Parameter model: an adapter, whose layers alone are taken; nil for all layers.
  package init(_ base: QuantizedBase, form: AdapterScales.Form, like model: AdapterFile? = nil) {
    (path, self.form, isBase, config) = (base.path, form, true, nil)
    digest = base.manifest.baseDigest
    baseDigest = base.manifest.baseDigest
    configDigest = base.config.digest
    file = base.file
    let scales = file.tensors.filter { $0.name.hasSuffix(Self.suffix(.scales)) }
    tensors =
      scales.map { form == .scales ? TensorDeclaration($0) : Self.gains(over: $0) }
      .filter { model == nil || model?.tensor(named: $0.name) != nil }
      + Self.zeros(file, like: model)
  }

  package func tensor(named name: String) -> TensorDeclaration? {
    guard isBase, form == .gains else {
      return file.tensor(named: name).map { Self.declaration($0) }
    }
    guard name.hasSuffix(Self.suffix(.gains)) else { return nil }
    let scales = name.dropLast(Self.suffix(.gains).count) + Self.suffix(.scales)
    return file.tensor(named: String(scales)).map(Self.gains)
  }

  /// All numbers of a tensor that is there, in the order of the file.
  package func numbers(of tensor: TensorDeclaration) -> [Double] {
    if isBase, form == .gains { return [Double](repeating: 1, count: tensor.shape.reduce(1, *)) }
    guard let stored = file.tensor(named: tensor.name) else {
      preconditionFailure("\(path) has no numbers \(tensor.name)")
    }
    // Zero points of a base may be whole.
    guard let type = FloatType(stored.type) else { return file.bytes(of: stored).map(Double.init) }
    return type.numbers(in: file.bytes(of: stored))
  }
}

extension AdapterFile {
  /// `.scales` or `.gains`.
  package static func suffix(_ form: AdapterScales.Form) -> String { ".\(form.rawValue)" }

  /// A tensor of a base as an adapter has it.
  private static func declaration(_ tensor: TensorDescriptor) -> TensorDeclaration {
    guard tensor.name.hasSuffix(AdapterScales.zerosSuffix) else { return TensorDeclaration(tensor) }
    return TensorDeclaration(name: tensor.name, type: .f16, shape: tensor.shape)
  }

  /// The zero points that an adapter has, of a base.
  private static func zeros(
    _ file: SafetensorsFile, like model: AdapterFile?
  ) -> [TensorDeclaration] {
    guard let model else { return [] }
    return model.tensors.filter { $0.name.hasSuffix(AdapterScales.zerosSuffix) }
      .compactMap { file.tensor(named: $0.name).map(declaration) }
  }

  /// One gain a row.
  private static func gains(over scales: TensorDescriptor) -> TensorDeclaration {
    let name = scales.name.dropLast(suffix(.scales).count) + suffix(.gains)
    return TensorDeclaration(name: String(name), type: .f32, shape: Array(scales.shape.prefix(1)))
  }

  /// `NAME.scales` of `NAME.zeros`; nil of another tensor.
  private static func scalesBeside(zeros name: String) -> String? {
    guard name.hasSuffix(AdapterScales.zerosSuffix) else { return nil }
    return name.dropLast(AdapterScales.zerosSuffix.count) + suffix(.scales)
  }

  private static func baseDigest(_ config: JSONValue, path: String) throws -> String {
    var faults: [String] = []
    if config["peft_type"]?.string != Adapter.kind {
      faults.append(
        "peft_type is \(config["peft_type"]?.text() ?? "missing"), expected \"\(Adapter.kind)\"")
    }
    let digest = config["base_sha256"]?.string
    if digest == nil { faults.append("base_sha256 is missing: nothing says which base it is over") }
    guard let digest, faults.isEmpty else {
      throw ModelFileError.faults(path: path + "/" + Adapter.configName, faults)
    }
    return digest
  }

  /// The one form of all tensors; what else there is are faults.
  private static func form(of file: SafetensorsFile) throws -> AdapterScales.Form {
    let gains = file.tensors.count { $0.name.hasSuffix(suffix(.gains)) }
    var faults: [String] = file.tensors.compactMap { tensor in
      if let scales = scalesBeside(zeros: tensor.name) {
        return tensor.type == .f16 && file.tensor(named: scales) != nil
          ? nil : "tensor \"\(tensor.name)\" is \(tensor.type.name), expected F16 beside \(scales)"
      }
      guard [.scales, .gains].contains(where: { tensor.name.hasSuffix(suffix($0)) }) else {
        return "tensor \"\(tensor.name)\" is neither scales nor gains"
      }
      return FloatType(tensor.type) == nil
        ? "tensor \"\(tensor.name)\" is \(tensor.type.name), expected F16, BF16 or F32" : nil
    }
    if file.tensors.isEmpty { faults.append("the file holds no tensors") }
    let zeros = file.tensors.count { scalesBeside(zeros: $0.name) != nil }
    if faults.isEmpty, zeros != 0, 2 * zeros != file.tensors.count {
      faults.append("some layers have zero points and some have none; an adapter has one form")
    }
    if faults.isEmpty, gains != 0, gains != file.tensors.count {
      faults.append("the file holds scales and gains; an adapter has one form")
    }
    guard faults.isEmpty else { throw ModelFileError.faults(path: file.path, faults) }
    return gains > 0 ? .gains : .scales
  }

  private func checkNumbers() throws {
    let faults = tensors.compactMap { tensor in
      numbers(of: tensor).allSatisfy(\.isFinite)
        ? nil : "tensor \"\(tensor.name)\" holds NaN or infinity"
    }
    guard faults.isEmpty else { throw ModelFileError.faults(path: file.path, faults) }
  }
}

extension TensorDeclaration {
  fileprivate init(_ tensor: TensorDescriptor) {
    self.init(name: tensor.name, type: tensor.type, shape: tensor.shape)
  }
}
