package import JSONText
package import Quantization

/// How many linear layers of a base, and weights of them, have which bits and groups.
package struct MatrixForms: Sendable, Equatable {
  package struct Form: Sendable, Equatable {
    package let bits: Int
    /// -1: whole rows.
    package let groupSize: Int
    /// `4 bits, groups of 128`.
    package let name: String
    package fileprivate(set) var matrices = 0
    package fileprivate(set) var weights = 0
  }

  /// Fewest bits first, of equal bits the smallest groups last.
  package private(set) var forms: [Form] = []
  /// Codes, scales and zero points.
  package private(set) var byteCount = 0

  package var weightCount: Int { forms.reduce(0) { $0 + $1.weights } }
  /// Scales and zero points included.
  package var bitsPerWeight: Double {
    weightCount > 0 ? Double(byteCount) * 8 / Double(weightCount) : 0
  }

  init(_ layouts: [PackedLayout]) {
    for layout in layouts {
      byteCount += QuantizePlan.byteCount(of: layout)
      let size = layout.groups == 1 ? -1 : layout.groupSize
      let index =
        forms.firstIndex { $0.name == layout.form }
        ?? {
          forms.append(Form(bits: layout.bits, groupSize: size, name: layout.form))
          return forms.count - 1
        }()
      forms[index].matrices += 1
      forms[index].weights += layout.rows * layout.columns
    }
    func columns(_ form: Form) -> Int { form.groupSize == -1 ? .max : form.groupSize }
    forms.sort { ($0.bits, columns($1), $0.name) < ($1.bits, columns($0), $1.name) }
  }

  package var json: JSONValue {
    .array(
      forms.map {
        [
          "bits": .integer($0.bits), "group_size": .integer($0.groupSize),
          "matrices": .integer($0.matrices), "weights": .integer($0.weights),
        ]
      })
  }
}

extension QuantizePlan {
  /// Of the linear layers.
  package var forms: MatrixForms {
    MatrixForms(matrices.filter { $0.role != nil }.map(\.layout))
  }

  /// Bytes of base.safetensors.
  package var fileByteCount: Int { BaseWriter.byteCount(declarations) }

  /// What a matrix takes in base.safetensors.
  package static func byteCount(of layout: PackedLayout) -> Int {
    BaseMatrix(name: "", layout: layout).byteCount
  }
}
