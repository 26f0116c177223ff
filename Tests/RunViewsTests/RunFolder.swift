import Foundation
import TestSupport

extension TemporaryFolder {
  /// A run that is at `steps` of 100, with an evaluation every ten.
  func run(
    _ name: String, steps: Int, loss: (Int) -> Double = { 4 / Double($0) }, ranks: Int = 2,
    finished: Bool = false, more: String = ""
  ) throws {
    try put(
      "\(name)/run.json",
      #"{"hosts":["node1"],"ranks":\#(ranks),"started":"2026-01-01T00:00:00Z","first_step":0,"#
        + #""total_steps":100\#(more)}"#)
    try put("\(name)/config.resolved.yaml", "model: base\nlogging_steps: 1\n")
    var lines = ""
    for step in 1...max(1, steps) {
      lines +=
        #"{"step":\#(step),"loss":\#(loss(step)),"learning_rate":0.001,"grad_norm":0.5,"#
        + #""tokens_per_second":\#(100 + step),"step_time":2.0,"comm_time":0.5,"rank_time_min":1.0,"#
        + #""rank_time_max":1.9,"train_runtime":\#(2 * step),"rss_private_gb":0.2}"# + "\n"
      if step % 10 == 0 {
        lines += #"{"step":\#(step),"eval_loss":\#(loss(step) + 1),"perplexity":2.0}"# + "\n"
      }
    }
    try put("\(name)/metrics.jsonl", lines)
    try put("\(name)/checkpoint-\(steps)/x", "")
    if finished { try put("\(name)/train_results.json", #"{"global_step":100}"#) }
  }
}
