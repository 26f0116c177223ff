/// Where row r of a tensor in canonical order lies in the tensor that the file has; of a bias,
/// number r.
package struct RowOrder: Sendable, Equatable {
  /// Rows of a head, where heads matter.
  package var headSize: Int?
  /// Of the first so many rows of each head the two that turn together lie side by side: the
  /// rotate-half pair (j, j + n/2) is (2j, 2j+1). So does llama.cpp's conversion of `llama` models
  /// (convert_hf_to_gguf.py, LlamaModel.permute), and so is GPT-J.
  package var interleaved = 0
  /// Rows of other layers that stand before, where several share a tensor.
  package var first = 0
  /// All rows of the tensor; nil: those of this layer.
  package var total: Int?
  /// Rows from head to head, where the heads of several layers take turns.
  package var headStride: Int?

  package init() {}

  /// Whether the rows follow each other in the file.
  package var isContiguous: Bool { interleaved == 0 && headStride == nil }

  package func storedRow(_ row: Int) -> Int {
    guard let headSize, !isContiguous else { return first + row }
    let (head, within) = row.quotientAndRemainder(dividingBy: headSize)
    let half = interleaved / 2
    let own = within < interleaved ? within % half * 2 + within / half : within
    return first + head * (headStride ?? headSize) + own
  }
}
