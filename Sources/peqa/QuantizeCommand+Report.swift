internal import ArgumentParser
internal import Calibration
internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import Interchange
internal import JSONText
internal import Quantization
internal import Reporting

// What a quantization says of itself.
extension Quantize {
  /// `choice`: of bits and groups, where they were chosen.
  func show(
    _ plan: QuantizePlan, _ source: ModelSource, _ choice: FormChoice?, _ console: Console
  ) {
    if outputOptions.json {
      let common: JSONValue = [
        "dry_run": true, "output": .string(output), "bits": .integer(plan.settings.bits),
        "group_size": .integer(plan.settings.groupSize), "sym": .bool(plan.settings.symmetric),
        "keep_codes": .bool(plan.reusesCodes), "source_bytes": .integer(source.byteCount),
        "base_bytes": .integer(plan.fileByteCount), "weights": .integer(plan.weightCount),
        "scales": .integer(plan.scaleCount),
        "bits_per_weight": .real(plan.forms.bitsPerWeight), "forms": plan.forms.json,
      ]
      let chosen = choice.map { [JSONValue.Member(key: "choice", value: $0.json)] } ?? []
      console.result(JSONValue.object((common.members ?? []) + chosen).text(indent: 2))
      return
    }
    console.result("Would write \(output): \(summary(plan.settings, plan.forms))")
    show(
      SizeTable(
        source: source.byteCount, base: plan.fileByteCount, weights: plan.weightCount,
        scales: plan.scaleCount), plan.forms, console)
    guard let choice else { return }
    console.result()
    console.result(
      "expected divergence from the model: \(fixed(choice.divergence, digits: 4)) nats a token")
  }

  func show(_ report: QuantizeReport, _ console: Console) {
    if outputOptions.json {
      console.result(report.json.text(indent: 2))
      return
    }
    console.result("\(report.output): \(summary(report.manifest.settings, report.forms))")
    show(
      SizeTable(
        source: report.sourceBytes, base: report.baseBytes, weights: report.weightCount,
        scales: report.scaleCount), report.forms, console)
    var errors = TextTable(("linear layers", .left), ("relative error", .right))
    for kind in report.errors.kinds {
      errors.add(kind.rawValue, percent(report.errors.relative(kind)))
    }
    errors.add("all", percent(report.errors.relative(nil)))
    console.result()
    for line in errors.lines { console.result(line) }
    if let heldOut = report.manifest.quality["held_out"] {
      func number(_ key: String) -> String { fixed(heldOut[key]?.double ?? 0, digits: 4) }
      console.result()
      console.result(
        "text kept aside: perplexity \(number("perplexity_before")) -> \(number("perplexity")), "
          + "divergence \(number("divergence")) nats a token")
    }
    console.result()
    console.result("sha256 \(report.manifest.baseDigest)")
    console.result("done in \(durationText(report.seconds))")
  }

  /// Sizes, and which layers have which bits and groups, where they differ.
  private func show(_ sizes: SizeTable, _ forms: MatrixForms, _ console: Console) {
    for line in sizes.lines { console.result(line) }
    guard forms.forms.count > 1 else { return }
    var table = TextTable(("form", .left), ("layers", .right), ("share of weights", .right))
    for form in forms.forms {
      let share = Double(form.weights) / Double(max(forms.weightCount, 1))
      table.add(form.name, "\(form.matrices)", "\(fixed(share * 100, digits: 1)) %")
    }
    console.result()
    for line in table.lines { console.result(line) }
  }

  /// Bits and groups, or what they are on average, scales included.
  private func summary(_ settings: QuantizationSettings, _ forms: MatrixForms) -> String {
    guard forms.forms.count > 1 else { return settings.summary }
    return "\(fixed(forms.bitsPerWeight, digits: 2)) bits a weight with scales, "
      + (settings.symmetric ? "symmetric" : "asymmetric")
  }

  private func percent(_ share: Double) -> String { "\(fixed(share * 100, digits: 3)) %" }
}

extension QuantizationSettings {
  /// `4 bits, groups of 64, asymmetric`.
  var summary: String {
    "\(bits) bits, \(groupSize == -1 ? "one scale per row" : "groups of \(groupSize)"), "
      + (symmetric ? "symmetric" : "asymmetric")
  }
}

/// What a base takes, before and after.
private struct SizeTable {
  var source: Int
  var base: Int
  var weights: Int
  var scales: Int

  var lines: [String] {
    var table = TextTable(("", .left), ("", .right))
    table.add("model", megabytes(source))
    table.add("base", megabytes(base))
    table.add("quantized weights", "\(weights)")
    table.add("scales", "\(scales)")
    return Array(table.lines.dropFirst())
  }
}
