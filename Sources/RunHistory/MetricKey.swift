/// Numbers in a line of `metrics.jsonl`, by the names that they have there.
///
/// `docs/file-formats.md` says what they mean; units are seconds, bytes and GB of 1e9 bytes.
package enum MetricKey: String, CaseIterable, Sendable {
  case epoch, loss
  case gradientNorm = "grad_norm"
  case learningRate = "learning_rate"
  case evalLoss = "eval_loss"
  case perplexity
  case tokensPerSecond = "tokens_per_second"
  case inputTokens = "num_input_tokens_seen"
  case supervisedTokens = "supervised_tokens_seen"
  case stepTime = "step_time"
  case communicationTime = "comm_time"
  case fastestRank = "rank_time_min"
  case slowestRank = "rank_time_max"
  case privateGigabytes = "rss_private_gb"
  case sharedGigabytes = "rss_shared_gb"
  case scaleDrift = "scale_drift_rms"
  case runtime = "train_runtime"
  case communicationBytes = "comm_bytes"
  case saveTime = "save_time"
  // In metrics.jsonl only.
  case bytesRead = "bytes_read"
  case evalRuntime = "eval_runtime"
  case divergence = "kl"
  case taskLoss = "task_loss"
  case hiddenLoss = "hidden_loss"

  /// The member that every record has besides.
  package static let step = "step"

  /// The member that only records of scores on tasks have: seconds that they took.
  package static let taskRuntime = "task_runtime"

  /// Columns of `metrics.csv` behind the step, in this order for good.
  package static let columns: [MetricKey] = [
    .epoch, .loss, .gradientNorm, .learningRate, .evalLoss, .perplexity, .tokensPerSecond,
    .inputTokens, .supervisedTokens, .stepTime, .communicationTime, .fastestRank, .slowestRank,
    .privateGigabytes, .sharedGigabytes, .scaleDrift, .runtime, .communicationBytes, .saveTime,
  ]
}
