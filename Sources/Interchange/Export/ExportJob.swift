internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import JSONText
package import Kernels
internal import Quantization
internal import QuantizedFormats

/// Writes a base, with the scales of a task, as a file of another program: matrix by matrix, so
/// that memory stays at a few times the largest one.
package struct ExportJob {
  /// How far the work is.
  package struct Progress: Sendable {
    package enum Stage: String, Sendable { case planning, writing, checking }

    package var stage: Stage
    /// Weights looked at, or bytes.
    package var done: Int
    package var total: Int
  }

  let tuned: TunedBase
  let options: ExportOptions
  let pool: WorkerPool
  private let isCancelled: () -> Bool
  private let report: (Progress) -> Void

  /// `isCancelled` is asked some times a second; where it says true, `run` throws `cancelled` and
  /// leaves nothing behind.
  package init(
    _ tuned: TunedBase, _ options: ExportOptions, pool: WorkerPool,
    isCancelled: @escaping () -> Bool = { false },
    progress: @escaping (Progress) -> Void = { _ in }
  ) {
    self.tuned = tuned
    self.options = options
    self.pool = pool
    self.isCancelled = isCancelled
    report = progress
  }

  func step(_ stage: Progress.Stage, _ done: Int, _ total: Int) throws {
    if isCancelled() { throw QuantizationError.cancelled }
    report(Progress(stage: stage, done: done, total: total))
  }

  /// What would be written, and how far it is from what was trained. Reads the whole base.
  package func plan() throws -> ExportPlan {
    let total = tuned.config.parameterCount
    var done = 0
    var planner = ExportPlanner(tuned, options) { weights in
      done += weights
      try step(.planning, done, total)
    }
    // The integers of the imported file cannot be zero points that were trained.
    if let record = try SourceRecord(base: tuned.base.path),
      record.format == options.format.rawValue, !tuned.hasTrainedZeros
    {
      let files = try planner.handBack(record)
      let metadata =
        options.format == .gguf
        ? try GGUFFile(path: tuned.base.path + "/" + ModelFiles.tokenizerGGUF).metadata : []
      return try planner.plan(files, handsBack: true, metadata: metadata)
    }
    guard options.format == .gguf else {
      let files = try planner.huggingFace()
      return try planner.plan(files, handsBack: false, notes: tokenizerNotes)
    }
    let metadata = try GGUFMetadata(
      directory: tuned.base.path, fileType: 0, license: ModelCard.license(tuned.base.path))
    let files = try planner.gguf(ropeFactors: metadata.ropeFactors)
    return try planner.plan(
      files, handsBack: false,
      metadata: metadata.entries(fileType: ExportPlanner.fileType(planner.tensors)),
      notes: metadata.notes)
  }

  private var tokenizerNotes: [String] {
    let names = ModelFiles.essentialTokenizerNames
    if names.contains(where: { Folder.exists(tuned.base.path + "/" + $0) }) { return [] }
    return [
      "the base has its tokenizer from a GGUF file. It is passed on as \(ModelFiles.tokenizerGGUF); "
        + "other programs may want the tokenizer.json of the original model beside it"
    ]
  }

  /// Writes the files, reads them back, and gives them their name.
  ///
  /// - Parameter output: a directory that appears when it is complete; of GGUF a file, where the
  ///   name ends in .gguf, with its model card beside it.
  package func run(output: String) throws -> ExportReport {
    let start = ContinuousClock.now
    let folder = ExportFolder(output, options)
    try folder.check()
    let plan = try plan()
    guard plan.isExact || options.allowsLoss else { throw ExportError.loses(plan.loss) }
    let staged = try folder.stage()
    try write(plan, to: staged.temporary)
    try writeSidecars(plan, to: staged.temporary)
    let checked = try ExportCheck(self, plan).run(staged.temporary)
    guard !plan.isExact || checked.largestDifference == 0 else {
      throw ExportError.readBack(
        tensor: checked.worstTensor, difference: checked.largestDifference)
    }
    if isCancelled() { throw QuantizationError.cancelled }
    try folder.publish(staged)
    let elapsed = (ContinuousClock.now - start).components
    return ExportReport(
      output: folder.path, format: options.format, handsBack: plan.handsBack,
      tensors: plan.tensors, notes: plan.notes, bytes: plan.byteCount,
      largestDifference: checked.largestDifference, lossDifference: checked.lossDifference,
      seconds: Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18)
  }

  private func write(_ plan: ExportPlan, to folder: String) throws {
    let total = plan.byteCount
    var done = 0
    for file in plan.files {
      let writer = try writer(file, plan, folder)
      for tensor in file.tensors {
        try tensor.write { bytes in
          try writer.append(bytes, to: tensor.declaration.name)
          done += bytes.count
          try step(.writing, done, total)
        }
      }
      try writer.finish()
    }
  }

  private func writer(
    _ file: OutputFile, _ plan: ExportPlan, _ folder: String
  ) throws -> TensorWriter {
    let declarations = file.tensors.map(\.declaration)
    guard options.format == .gguf else {
      return try SafetensorsWriter(
        path: folder + "/" + file.name, tensors: declarations, metadata: file.metadata)
    }
    return try GGUFWriter(
      path: folder + "/" + ExportFolder.ggufName, metadata: plan.metadata, tensors: declarations)
  }
}

extension ExportPlan {
  /// What `--lossy` would accept.
  var loss: String {
    let lossy = tensors.filter { !$0.isExact }
    guard let worst else { return "" }
    let shown = lossy.sorted { $0.relativeError > $1.relativeError }.prefix(3).map {
      "\($0.name): \(errorText($0.relativeError)) as \($0.form)"
    }
    return "\(lossy.count) of \(tensors.count) tensors would change, by up to "
      + "\(errorText(worst.relativeError)) of their norm (\(shown.joined(separator: "; ")))"
  }

  private func errorText(_ value: Double) -> String { String(format: "%.2g", value) }
}
