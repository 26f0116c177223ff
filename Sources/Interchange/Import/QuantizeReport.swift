package import DecoderModel
package import JSONText
internal import Quantization

/// Errors of weights, by kind of linear layer.
package struct LayerErrors: Sendable {
  private var sums: [LinearKind: (error: Double, norm: Double)] = [:]

  mutating func add(_ kind: LinearKind, _ error: Double, _ norm: Double) {
    let old = sums[kind] ?? (0, 0)
    sums[kind] = (old.error + error, old.norm + norm)
  }

  /// Norm of the error by norm of the weights, over all layers of a kind; nil for all kinds.
  package func relative(_ kind: LinearKind?) -> Double {
    let chosen = sums.filter { kind == nil || $0.key == kind }.sorted {
      $0.key.rawValue < $1.key.rawValue
    }
    let (error, norm) = chosen.reduce((0.0, 0.0)) { ($0.0 + $1.value.error, $0.1 + $1.value.norm) }
    return norm > 0 ? (error / norm).squareRoot() : 0
  }

  /// Those that the model has.
  package var kinds: [LinearKind] { LinearKind.allCases.filter { sums[$0] != nil } }

  package var json: JSONValue {
    let members = kinds.map {
      JSONValue.Member(key: $0.rawValue, value: .real(relative($0)))
    }
    return .object(members + [.init(key: "all", value: .real(relative(nil)))])
  }
}

/// What a quantization did.
package struct QuantizeReport: Sendable {
  package var output: String
  package var manifest: BaseManifest
  /// Bytes of the tensors of the source, and of base.safetensors.
  package var sourceBytes: Int
  package var baseBytes: Int
  /// Weights that became codes, and their scales.
  package var weightCount: Int
  package var scaleCount: Int
  package var forms: MatrixForms
  package var errors: LayerErrors
  package var seconds: Double

  package var json: JSONValue {
    [
      "output": .string(output), "base_sha256": .string(manifest.baseDigest),
      "bits": .integer(manifest.settings.bits), "group_size": .integer(manifest.settings.groupSize),
      "sym": .bool(manifest.settings.symmetric), "keep_codes": .bool(manifest.reusesCodes),
      "source_bytes": .integer(sourceBytes), "base_bytes": .integer(baseBytes),
      "weights": .integer(weightCount), "scales": .integer(scaleCount),
      "bits_per_weight": .real(forms.bitsPerWeight), "forms": forms.json,
      "relative_error": errors.json, "seconds": .real(seconds),
    ]
  }
}
