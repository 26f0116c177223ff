extension ConfigKey {
  /// Every key of a run file, in the order in which the resolved file lists them.
  package static let all: [ConfigKey] = training + data + batches + optimizer + running + files

  private static let training: [ConfigKey] = [
    ConfigKey(
      "model", \.model, .path, aliases: ["base_model", "model_name_or_path"],
      "base folder made by `peqa quantize`"),
    ConfigKey(
      "scale_granularity", \.scaleGranularity, .choice, critical: true,
      "train one scale (or gain) a row, or one a group"),
    ConfigKey(
      "scale_param", \.scaleParam, .choice, critical: true,
      "train d in s = s0 (1 + d), or s itself (the paper's form)"),
    ConfigKey("train_zero_points", \.trainZeroPoints, .yesNo, "train zero points as well"),
    ConfigKey(
      "target_modules", \.targetModules, .words("all-linear"), critical: true,
      "layers whose scales train"),
    ConfigKey("objective", \.objective, .choice, "loss on the task, or distillation"),
    ConfigKey("bits", \.bits, orNil: .whole(2...8), "what the base must have; checked, not used"),
    ConfigKey(
      "group_size", \.groupSize, orNil: .whole(-1...65536),
      "what the base must have, -1 is per row; checked, not used"),
    ConfigKey("sym", \.symmetric, orNil: .yesNo, "what the base must have; checked, not used"),
    ConfigKey("method", \.method, .choice, "how the base was rounded; `peqa quantize` uses it"),
    ConfigKey(
      "verify_base", \.verifyBase, .yesNo, "read the whole base at the start, check its digest"),
  ]

  private static let data: [ConfigKey] = [
    ConfigKey("datasets", \.datasets, .datasets, "training data: path, type, split"),
    ConfigKey(
      "eval_datasets", \.evalDatasets, .datasets, "held-out data, in place of val_set_size"),
    ConfigKey(
      "val_set_size", \.valSetSize, .number(0...Double.infinity), critical: true,
      "held-out part of datasets: below 1 a fraction, else samples"),
    ConfigKey(
      "max_seq_length", \.maxSequenceLength, .whole(2...1_048_576),
      aliases: ["sequence_len", "cutoff_len", "max_length"], critical: true, "tokens a sequence"),
    ConfigKey(
      "excess_length_strategy", \.excessLength, .choice, critical: true,
      "what happens to samples that are longer"),
    ConfigKey(
      "train_on_inputs", \.trainOnInputs, .yesNo, critical: true, "loss on prompts as well"),
    ConfigKey(
      "chat_template", \.chatTemplate, orNil: .text, critical: true,
      "template name, in place of the model's own"),
    ConfigKey(
      "packing", \.packing, .yesNo, aliases: ["sample_packing"], critical: true,
      "several samples a sequence, without seeing each other"),
    ConfigKey(
      "dataset_cache", \.datasetCache, orNil: .path, aliases: ["dataset_prepared_path"],
      "folder of the token cache"),
  ]

  private static let batches: [ConfigKey] = [
    ConfigKey(
      "micro_batch_size", \.microBatchSize, .whole(1...65536),
      aliases: ["per_device_train_batch_size"],
      "sequences a rank takes through the model at once; no effect on results"),
    ConfigKey(
      "global_batch_size", \.globalBatchSize, .whole(1...1_048_576), aliases: ["batch_size"],
      critical: true, "sequences a step, over all ranks"),
    ConfigKey(
      "gradient_accumulation_steps", \.gradientAccumulationSteps, orNil: .whole(1...1_048_576),
      "derived; checked where given"),
    ConfigKey(
      "num_epochs", \.numEpochs, .number(0...1e6), aliases: ["num_train_epochs"],
      "passes over the data"),
    ConfigKey("max_steps", \.maxSteps, .steps, "length in steps, in place of num_epochs"),
    ConfigKey(
      "max_wall_time", \.maxWallTime, .number(0...1e9),
      "seconds until the run saves and stops with code 75; 0 is no limit"),
  ]

  private static let optimizer: [ConfigKey] = [
    ConfigKey(
      "learning_rate", \.learningRate, orNil: .number(0...1e3), aliases: ["lr"], critical: true,
      "peak; default 0.003 relative, 2e-05 absolute"),
    ConfigKey(
      "lr_scheduler", \.schedule, .choice, aliases: ["lr_scheduler_type"], critical: true,
      "shape after the warm-up"),
    ConfigKey("warmup_steps", \.warmupSteps, .whole(0...Int.max), critical: true, "rise from 0"),
    ConfigKey(
      "warmup_ratio", \.warmupRatio, .number(0...1), critical: true,
      "rise from 0, as a part of all steps; warmup_steps wins"),
    ConfigKey(
      "min_lr_ratio", \.minimumLearningRateRatio, .number(0...1), critical: true,
      "end of the decay, as a part of the peak"),
    ConfigKey("weight_decay", \.weightDecay, .number(0...1e3), critical: true, "decoupled"),
    ConfigKey("adam_beta1", \.adamBeta1, .number(0...1), critical: true, "mean of gradients"),
    ConfigKey("adam_beta2", \.adamBeta2, .number(0...1), critical: true, "mean of their squares"),
    ConfigKey("adam_epsilon", \.adamEpsilon, .number(0...1), critical: true, "added to the root"),
    ConfigKey(
      "max_grad_norm", \.maxGradNorm, .number(0...Double.infinity), critical: true,
      "clip the global norm; 0 does not clip"),
  ]

  private static let running: [ConfigKey] = [
    ConfigKey(
      "gradient_checkpointing", \.gradientCheckpointing, .yesNo,
      "compute products again in the backward pass: less memory, a quarter more time"),
    ConfigKey(
      "base_streaming", \.baseStreaming, .choice,
      "read the base from disk block by block; auto does so where memory is too small"),
    ConfigKey(
      "memory_limit", \.memoryLimit, .number(0...1e9),
      "GB that a node's ranks and the base may use together; 0 takes what is free"),
    ConfigKey("dtype", \.dtype, .choice, critical: true, "precision of matrix products"),
    ConfigKey("deterministic", \.deterministic, .choice, "same bits on any ranks and threads"),
    ConfigKey("threads", \.threads, .whole(0...4096), "threads a rank; 0 finds out"),
    ConfigKey(
      "comm_timeout", \.commTimeout, .number(1...1e6),
      "seconds that a rank may be silent or stand still before the others leave"),
    ConfigKey(
      "gradient_sum", \.gradientSum, .choice, critical: true,
      "bytes a number between ranks: 8, or 4 with steps of 2^-24 of the largest in 256"),
    ConfigKey(
      "work", \.work, .choice, "sequences dealt out beforehand, or to whoever is free"),
    ConfigKey(
      "digest_steps", \.digestSteps, .whole(0...Int.max),
      "steps between comparisons of the ranks' scales and moments; 0: never"),
    ConfigKey("seed", \.seed, .whole(0...Int.max), critical: true, "order of the data"),
    ConfigKey("logging_steps", \.loggingSteps, .whole(0...Int.max), "steps between metrics"),
    ConfigKey("report_to", \.reportTo, .words("a list of jsonl, csv"), "formats of the metrics"),
    ConfigKey("eval_steps", \.evalSteps, .whole(0...Int.max), "steps between evaluations; 0: end"),
    ConfigKey("eval_on_start", \.evalOnStart, .yesNo, "evaluate before the first step too"),
    ConfigKey(
      "max_eval_sequences", \.maxEvalSequences, .whole(0...Int.max), "0 evaluates on all"),
    ConfigKey("metric_for_best_model", \.bestMetric, .choice, "what `best/` is the lowest of"),
    ConfigKey(
      "load_best_model_at_end", \.loadBestModelAtEnd, .yesNo, "the final adapter is the best one"),
    ConfigKey(
      "early_stopping_patience", \.earlyStoppingPatience, .whole(0...Int.max),
      "stop after so many evaluations without a better one; 0 goes on"),
  ]

  private static let files: [ConfigKey] = [
    ConfigKey("output_dir", \.outputDirectory, .path, "where everything is written"),
    ConfigKey(
      "overwrite_output_dir", \.overwriteOutputDirectory, .yesNo, aliases: ["overwrite"],
      "replace a finished run"),
    ConfigKey("save_steps", \.saveSteps, .whole(0...Int.max), "steps between checkpoints"),
    ConfigKey(
      "save_interval", \.saveInterval, .number(0...1e9),
      "seconds between checkpoints, more where they cost over 1 %; 0 with save_steps given"),
    ConfigKey("save_total_limit", \.saveTotalLimit, .whole(0...Int.max), "0 keeps all"),
    ConfigKey(
      "resume", \.resume, .resume, aliases: ["resume_from_checkpoint"],
      "auto, never or a checkpoint"),
  ]
}

extension ConfigKind where Value == Int? {
  /// -1 and 0 mean "not set", as in Hugging Face.
  static var steps: ConfigKind {
    ConfigKind("a whole number; -1 is unset", read: { _, _ in nil }) {
      $0.map(String.init)
    }.reading { node in
      guard let value = node.number.flatMap({ Int(exactly: $0) }), value >= -1 else { return nil }
      return .some(value > 0 ? value : nil)
    }
  }

  private func reading(_ read: @escaping @Sendable (ConfigNode) -> Int??) -> ConfigKind {
    var kind = self
    let type = type
    kind.read = { node, _ in
      guard let value = read(node) else {
        return .failure(ConfigKindFault(text: "\(node.kind) is not \(type)"))
      }
      return .success(value)
    }
    return kind
  }
}

extension ConfigKind where Value == ResumeMode {
  static var resume: ConfigKind {
    ConfigKind("auto, never or the path of a checkpoint") { node, place in
      switch node.scalar {
      case nil: nil
      case "auto", "true": .auto
      case "never", "false": .never
      case .some(let path): .path(place.resolve(path))
      }
    } show: {
      switch $0 {
      case .auto: "auto"
      case .never: "never"
      case .path(let path): quoted(path)
      }
    }
  }
}
