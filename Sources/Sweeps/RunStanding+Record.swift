package import RunHistory

extension RunStanding {
  /// How far a run is whose folder has been read.
  package init(_ record: RunRecord) {
    self.init()
    isFinished = record.results != nil
    step = record.results?.step ?? record.checkpoints.last ?? 0
    evaluations = record.metrics[.evalLoss]
    losses = record.metrics[.loss]
    if record.settings.text("load_best_model_at_end") == "true" {
      bestEvaluation = record.metrics.bestEvaluation?.value
    }
  }

  /// How far the run in this folder is; at its beginning where there is none, or none
  /// that can be read: the trainer says why.
  package static func ofRun(in folder: String) -> RunStanding {
    (try? RunRecord(folder: folder)).map(RunStanding.init) ?? RunStanding()
  }
}
