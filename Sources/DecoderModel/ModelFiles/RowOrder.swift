/// Where row r of a tensor in canonical order lies in the tensor that the file has.
///
/// llama.cpp's conversion of `llama` models interleaves the two halves of every head of q and k:
/// the rotate-half pair (j, j + h/2) becomes (2j, 2j+1).
/// Source: convert_hf_to_gguf.py, LlamaModel.permute.
package struct RowOrder: Sendable, Equatable {
  /// Rows of a head; nil for rows in their own order.
  package var headSize: Int?
  /// Rows of other layers that stand before, where several share a tensor.
  package var first = 0
  /// All rows of the tensor; nil: those of this layer.
  package var total: Int?

  package func storedRow(_ row: Int) -> Int {
    guard let headSize else { return first + row }
    let (head, within) = row.quotientAndRemainder(dividingBy: headSize)
    let half = headSize / 2
    return first + head * headSize + within % half * 2 + within / half
  }
}
