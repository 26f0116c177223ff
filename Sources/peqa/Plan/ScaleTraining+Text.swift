internal import DecoderModel

extension ScaleTraining {
  /// How many numbers are trained, and how: for a reader of a plan.
  func text(_ numbers: TrainedNumbers) -> String {
    var parts = ["\(numbers.masters)", "scale_granularity: \(granularity.rawValue)"]
    if rank > 0 { parts.append("scale_rank: \(rank)") }
    if zeroPoints { parts.append("train_zero_points: true") }
    if !modules.isAll { parts.append("target_modules: \(modules.patterns.joined(separator: ","))") }
    let stored = numbers.stored != numbers.masters ? ["\(numbers.stored) in the adapter"] : []
    return (parts + stored).joined(separator: ", ")
  }
}
