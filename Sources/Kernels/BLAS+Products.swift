internal import COpenBLAS

// Products on the thread that calls: the order of additions depends on the shape alone. Whoever
// wants several threads gives each a part of its own.
extension BLAS {
  /// c [M, N] = a [M, K] b [K, N] * `factor` (+ c). Rows lie `strides` apart.
  package static func multiply(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, rows: Int, columns: Int, depth: Int,
    strides: (a: Int, b: Int, c: Int), factor: Float = 1, accumulating: Bool,
    into c: UnsafeMutablePointer<Float>
  ) {
    guard rows > 0, columns > 0, depth > 0 else { return }
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, CblasNoTrans, Int32(rows), Int32(columns), Int32(depth), factor,
      a, Int32(strides.a), b, Int32(strides.b), accumulating ? 1 : 0, c, Int32(strides.c))
  }

  /// c [M, N] = a^T b (+ c), for a [T, M] and b [T, N]; rows lie `strides` apart.
  package static func multiplyTransposed(
    _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, rows: Int, columns: Int, tokens: Int,
    strides: (a: Int, b: Int, c: Int), accumulating: Bool, into c: UnsafeMutablePointer<Float>
  ) {
    guard rows > 0, columns > 0, tokens > 0 else { return }
    cblas_sgemm(
      CblasRowMajor, CblasTrans, CblasNoTrans, Int32(rows), Int32(columns), Int32(tokens), 1, a,
      Int32(strides.a), b, Int32(strides.b), accumulating ? 1 : 0, c, Int32(strides.c))
  }

  /// y += factor x.
  package static func add(
    _ x: UnsafePointer<Float>, times factor: Float, count: Int,
    to y: UnsafeMutablePointer<Float>
  ) {
    cblas_saxpy(Int32(count), factor, x, 1, y, 1)
  }

  package static func dot(
    _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, count: Int
  ) -> Float {
    cblas_sdot(Int32(count), x, 1, y, 1)
  }

  /// Turns a symmetric positive definite matrix [n, n], of which the upper triangle is read, into
  /// the upper triangle U of its inverse: U^T U = a^-1. What stands below the diagonal is
  /// undefined.
  ///
  /// - Returns: false where the matrix is not positive definite; it is lost then.
  package static func invertToUpperFactor(_ a: UnsafeMutablePointer<Double>, count: Int) -> Bool {
    // Rows of ours are columns of LAPACK's: its lower triangle is our upper one.
    var (lower, n, info) = (CChar(UInt8(ascii: "L")), Int32(count), Int32(0))
    dpotrf_(&lower, &n, a, &n, &info)
    guard info == 0 else { return false }
    dpotri_(&lower, &n, a, &n, &info)
    guard info == 0 else { return false }
    dpotrf_(&lower, &n, a, &n, &info)
    return info == 0
  }
}
