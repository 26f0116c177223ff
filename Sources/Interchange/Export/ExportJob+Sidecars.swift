internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import JSONText
internal import Quantization

// The files beside the weights: configuration, tokenizer, model card.
extension ExportJob {
  func writeSidecars(_ plan: ExportPlan, to folder: String) throws {
    try write(ModelCard(tuned, options, plan).text, folder, "README.md")
    if options.format == .gguf {
      return try write(OllamaModelfile(tuned.base.path).text, folder, "Modelfile")
    }
    if plan.handsBack { return try handBackSidecars(to: folder) }
    try write(config(plan).text(indent: 2) + "\n", folder, "config.json")
    try copyTokenizer(to: folder)
    if plan.files.count > 1 { try write(index(plan).text(indent: 2) + "\n", folder, indexName) }
  }

  private var indexName: String { SafetensorsDirectory.indexName }

  private func write(_ text: String, _ folder: String, _ name: String) throws {
    try AtomicFile.write(text, to: folder + "/" + name)
  }

  private func copy(_ from: String, _ folder: String, _ name: String) throws {
    try AtomicFile.write(try OpenFile.contents(of: from), to: folder + "/" + name)
  }

  private func copyTokenizer(to folder: String) throws {
    for name in ModelFiles.tokenizerNames
    where Folder.exists(tuned.base.path + "/" + name) {
      try copy(tuned.base.path + "/" + name, folder, name)
    }
  }

  /// What the imported directory had; its own model card stays beside ours.
  private func handBackSidecars(to folder: String) throws {
    let base = tuned.base.path
    try copy(base + "/config.json", folder, "config.json")
    try copyTokenizer(to: folder)
    let kept = base + "/" + SourceRecord.folder
    for name in Folder.names(in: kept) {
      try copy(kept + "/" + name, folder, name == "README.md" ? "README.source.md" : name)
    }
  }

  private func config(_ plan: ExportPlan) throws -> JSONValue {
    let path = tuned.base.path + "/config.json"
    var config = ExportConfig(try ModelFiles.json(path))
    config.setType(
      options.format == .hf && options.dtype != .fp16
        ? options.dtype == .bf16 ? "bfloat16" : "float32" : "float16")
    if options.format == .mlx { config.repeatTheta() }
    let settings = plan.grids.settings(
      options.format, isSymmetric: plan.isSymmetric, isReordered: plan.isReordered)
    for setting in settings { config.set(setting.key, setting.value) }
    return config.json
  }

  private func index(_ plan: ExportPlan) -> JSONValue {
    let map = plan.files.flatMap { file in
      file.tensors.map {
        JSONValue.Member(key: $0.declaration.name, value: .string(file.name))
      }
    }
    return [
      "metadata": ["total_size": .integer(plan.byteCount)], "weight_map": .object(map),
    ]
  }
}
