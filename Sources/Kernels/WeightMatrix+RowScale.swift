internal import CKernels

extension WeightMatrix {
  /// Whether a product is a sum over codes and zero points, finished before it is multiplied by one
  /// scale of its row. Minima and scales of blocks enter the sum itself.
  package var scalesFinishedRows: Bool {
    isQuantized && groups == 1 && raw.minima == nil && raw.block_scales == nil
  }

  /// The same codes with every scale 1: for products that several tasks share.
  package var withoutScales: WeightMatrix {
    precondition(scalesFinishedRows, "scales that enter the sum cannot be left out")
    var matrix = self
    (matrix.raw.scales, matrix.raw.gains) = (nil, nil)
    return matrix
  }
}
