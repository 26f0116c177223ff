internal import Kernels

// What stands before the first block: embeddings, scaled, projected and with positions added, as
// the configuration says.
extension Decoder {
  /// The stream `stream` [T, D] before the first block, for segments that start at `offset`.
  func embed(
    _ tokens: [Int32], segments: some Collection<Range<Int>>, offset: Int = 0, _ a: Activations,
    into stream: UnsafeMutablePointer<Float>
  ) {
    let width = config.hiddenSize
    if let project = weights.ends.projectIn {
      let wide = config.embeddingWidth
      copyEmbeddings(tokens, width: wide, into: a[.embeddings])
      compute.forward(
        project, compute.operand(a[.embeddings], tokens: tokens.count, columns: wide),
        tokens: tokens.count, rowsStandAlone: true, into: stream)
    } else {
      copyEmbeddings(tokens, width: width, into: stream)
    }
    if let scale = config.ends.embeddingScale {
      compute.scale(stream, by: scale, count: tokens.count * width)
    }
    guard let positions = weights.ends.positions else { return }
    for segment in segments {
      for (position, t) in segment.enumerated() {
        compute.row(offset + position, of: positions, into: a[.scratch])
        compute.add(a[.scratch], to: stream + t * width, count: width)
      }
    }
  }

  /// [T, width].
  private func copyEmbeddings(
    _ tokens: [Int32], width: Int, into rows: UnsafeMutablePointer<Float>
  ) {
    compute.pool.parallelRanges(tokens.count, unit: 8) { range, _ in
      for t in range {
        compute.row(Int(tokens[t]), of: weights.ends.embedding, into: rows + t * width)
      }
    }
  }
}
