/// Tells the caller how far preparation is, and asks whether to stop.
final class BuildProgress {
  private let total: Int
  private let progress: (Double) -> Void
  private let isCancelled: () -> Bool
  private var finished = 0
  private var told = 0

  /// `total` in bytes of data files.
  init(total: Int, progress: @escaping (Double) -> Void, isCancelled: @escaping () -> Bool) {
    self.total = max(total, 1)
    self.progress = progress
    self.isCancelled = isCancelled
  }

  /// `bytes` of the present file are done.
  func advance(to bytes: Int) throws(DatasetError) {
    if isCancelled() { throw .cancelled }
    let done = finished + bytes
    // A thousand calls for the whole run are enough for any bar.
    guard (done - told) >= total / 1000 else { return }
    told = done
    progress(min(Double(done) / Double(total), 1))
  }

  func finishFile(bytes: Int) {
    finished += bytes
    told = finished
    progress(min(Double(finished) / Double(total), 1))
  }
}
