internal import Checkpoints
package import DecoderModel
internal import Foundation
internal import JSONText
package import Kernels
internal import Quantization
internal import QuantizedFormats

/// Makes a base of a model: reads rows from the mapped input, rounds them and writes them on, chunk
/// by chunk, so that memory stays small whatever the size of the model.
package struct QuantizeModel {
  package struct Progress: Sendable {
    package var tensor: String
    package var weightsDone: Int
    package var weights: Int
  }

  private let source: ModelSource
  private let options: QuantizeOptions
  private let pool: WorkerPool
  /// Nil: codes are rounded, or taken as they are.
  private let codes: (any CodeSource)?
  private let isCancelled: () -> Bool
  private let progress: (Progress) -> Void

  /// `isCancelled` is asked some times a second; where it says true, `run` throws `cancelled` and
  /// leaves nothing behind.
  ///
  /// - Parameter codes: makes the codes of linear layers; nil for what `options` say.
  package init(
    _ source: ModelSource, _ options: QuantizeOptions, pool: WorkerPool,
    codes: (any CodeSource)? = nil,
    isCancelled: @escaping () -> Bool = { false },
    progress: @escaping (Progress) -> Void = { _ in }
  ) {
    self.source = source
    self.options = options
    self.pool = pool
    self.codes = codes
    self.isCancelled = isCancelled
    self.progress = progress
  }

  /// What would be written; throws what `run` would throw before it starts to work.
  package func plan(output: String) throws -> QuantizePlan {
    try BaseWriter.check(output, overwrite: options.overwrite)
    try SidecarFiles.requireTokenizer(source)
    let reader = RowReader(source: source, pool: pool, isCancelled: isCancelled)
    return try QuantizePlan(source, options) { tensor in
      try reader.largestMagnitude(tensor) > Float(Float16.greatestFiniteMagnitude)
    }
  }

  package func run(output: String) throws -> QuantizeReport {
    let start = ContinuousClock.now
    let plan = try plan(output: output)
    let base = try BaseWriter(output, overwrite: options.overwrite)
    let writer = try base.weights(plan.declarations)
    let digest = SourceDigest(source)
    let (errors, quality) = try write(plan, to: writer, digest)
    var manifest = BaseManifest(
      baseDigest: try writer.finish() ?? "", settings: plan.settings)
    try SidecarFiles.write(source, to: base.directory)
    (manifest.reusesCodes, manifest.grids) = (plan.reusesCodes, plan.grids)
    if plan.reusesCodes {
      try AtomicFile.write(
        try SourceRecord(source).json.text() + "\n",
        to: base.directory + "/" + SourceRecord.fileName)
      try SidecarFiles.passOn(source, to: base.directory)
    }
    manifest.source = [
      "name": .string(URL(fileURLWithPath: source.path).lastPathComponent),
      "format": .string(plan.reusesCodes ? source.quantized?.name ?? "" : source.format.rawValue),
      "sha256": .string(digest.finish()),
    ]
    manifest.quality = .object([.init(key: "relative_error", value: errors.json)] + quality)
    manifest = try base.finish(manifest, isCancelled: isCancelled)
    let elapsed = (ContinuousClock.now - start).components
    return QuantizeReport(
      output: base.path, manifest: manifest, sourceBytes: source.byteCount,
      baseBytes: writer.fileSize,
      weightCount: plan.weightCount, scaleCount: plan.scaleCount, forms: plan.forms,
      errors: errors,
      seconds: Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18)
  }

  /// `digest` reads the source beside: on another thread where the codes are only copied.
  private func write(
    _ plan: QuantizePlan, to writer: SafetensorsWriter, _ digest: SourceDigest
  ) throws -> (LayerErrors, [JSONValue.Member]) {
    let reader = RowReader(source: source, pool: pool, isCancelled: isCancelled)
    var parts = MatrixParts(writer)
    for dense in plan.dense { try reader.copy(dense, to: &parts) }
    for kept in plan.kept {
      try parts.append(
        Array(source.files.bytes(of: kept)), to: SourceRecord.keptName(kept.name))
    }
    var errors = LayerErrors()
    var done = 0
    let own: any CodeSource =
      plan.reusesCodes
      ? ImportedCodeSource(source: source)
      : RoundedCodeSource(reader: reader, options: options, pool: pool)
    func write(_ matrix: QuantizePlan.PlannedMatrix) throws {
      if let order = matrix.order { try parts.append(order, to: matrix.name + ".order") }
      var numbers = MatrixNumbers()
      for rows in RowReader.chunks(of: matrix.tensor) {
        if isCancelled() { throw QuantizationError.cancelled }
        let chunk = try (matrix.role == nil ? own : codes ?? own).codes(matrix, rows: rows)
        try parts.append(chunk.rows.codes, to: matrix.name + ".codes")
        numbers.append(chunk.rows)
        if let role = matrix.role { errors.add(role.kind, chunk.squaredError, chunk.squaredNorm) }
        done += rows.count * matrix.layout.columns
        progress(Progress(tensor: matrix.name, weightsDone: done, weights: plan.weightCount))
      }
      try numbers.write(matrix.name, to: &parts)
    }
    for (index, matrix) in plan.matrices.enumerated() {
      if plan.reusesCodes {
        // Copying waits for memory and disk; the digest of the source takes as long, beside it.
        var result = Result<Void, any Error>.success(())
        pool.parallelFor(2) { job in
          if job == 0 {
            result = Result { try write(matrix) }
          } else {
            digest.advance(to: Double(index + 1) / Double(plan.matrices.count))
          }
        }
        try result.get()
      } else {
        try write(matrix)
      }
      source.advise(.dontNeed, matrix.tensor)
    }
    return (errors, try (codes ?? own).finish())
  }
}
