internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import JSONText

/// README.md of an export: what it was made of.
struct ModelCard {
  /// By which an export is recognised.
  static let mark = "Made by `peqa export`"

  let text: String

  init(_ tuned: TunedBase, _ options: ExportOptions, _ plan: ExportPlan) throws {
    let base = tuned.base
    let source = base.manifest.source
    let name = source["name"]?.string ?? "model"
    var lines = ["---"]
    if let license = Self.license(base.path) { lines.append("license: \(license)") }
    lines += ["base_model: \(name)", "---", "", "# \(name), \(options.format.rawValue)", ""]
    lines.append(
      "\(Self.mark)" + (plan.handsBack ? ", in the form in which the base was imported." : "."))
    lines += ["", "| | |", "|---|---|"]
    func row(_ key: String, _ value: String?) {
      if let value { lines.append("| \(key) | \(value) |") }
    }
    row("base", "`\(base.manifest.baseDigest)`")
    row("source of the base", source["sha256"]?.string.map { "\(name), `\($0)`" } ?? name)
    if let path = tuned.adapterPath {
      let weights = path + "/" + Adapter.weightsName
      row("adapter", URL(fileURLWithPath: path).lastPathComponent)
      row("adapter's digest", "`\(SHA256.hexDigest(of: try OpenFile.contents(of: weights)))`")
      let config = try ModelFiles.json(path + "/" + Adapter.configName)
      for key in ["data_sha256", "scale_granularity", "trained_scales"] {
        row(key, config[key].map { $0.string ?? $0.text() })
      }
    }
    row("weights", plan.isExact ? "exactly those that were trained" : plan.loss)
    text = lines.joined(separator: "\n") + "\n"
  }

  /// Of the front matter of the source's README, or a GGUF file's metadata.
  static func license(_ base: String) -> String? {
    if let license = GGUFMetadata.license(in: base + "/" + SourceRecord.folder) { return license }
    let gguf = try? GGUFFile(path: base + "/" + ModelFiles.tokenizerGGUF)
    return gguf?["general.license"]?.string
  }
}
