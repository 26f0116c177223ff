/// Where a tensor of a model lies in a file.
package struct StoredName: Sendable, Equatable {
  package var name: String
  package var order: RowOrder
  /// What the reader adds to every number.
  package var offset: Float
}

extension DecoderConfig {
  /// Where an expected tensor lies in files of a format.
  package func stored(_ tensor: ExpectedTensor, in format: ModelSource.Format) -> StoredName {
    let names = format == .gguf ? family.ggufTensors : family.tensors
    let (name, order) = names.stored(tensor, self)
    var offset: Float = 0
    if format == .huggingFace, case .norm = tensor.role { offset = names.normOffset }
    return StoredName(name: name, order: order, offset: offset)
  }

  /// The first part of the names of tensors in safetensors files, which some leave out: they were
  /// saved from the bare model.
  package var droppablePrefix: String { family.tensors.prefix.prefix { $0 != "." } + "." }
}
