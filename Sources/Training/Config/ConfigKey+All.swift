internal import Kernels

extension ConfigKey {
  /// Keys that belong together, under a title.
  package struct Group: Sendable {
    package let title: String
    package let keys: [ConfigKey]
  }

  /// Every key of a run file, in the order in which help and documentation list them.
  package static let groups: [Group] = [
    Group(title: "What is trained", keys: training),
    Group(title: "Learning from a teacher", keys: distillation), Group(title: "Data", keys: data),
    Group(title: "Batches and length", keys: batches), Group(title: "Optimizer", keys: optimizer),
    Group(title: "Computation", keys: computation),
    Group(title: "Metrics and evaluation", keys: evaluation), Group(title: "Files", keys: files),
  ]

  /// Every key of a run file, in the order in which the resolved file lists them.
  package static let all: [ConfigKey] = groups.flatMap(\.keys)

  private static let training: [ConfigKey] = [
    ConfigKey(
      "model", \.model, .path, aliases: ["base_model", "model_name_or_path"],
      "folder of the base, as made by `peqa quantize`"),
    ConfigKey(
      "scale_granularity", \.scaleGranularity, .choice, critical: true,
      "row trains one number per weight row, group one per group of columns, row+column one per row and per column of groups"
    ),
    ConfigKey(
      "scale_rank", \.scaleRank, .whole(0...64), critical: true,
      "for row+column: products of so many numbers per row and per column of groups on top"),
    ConfigKey(
      "scale_param", \.scaleParam, .choice, critical: true,
      "the trained number d: relative is s = s0 (1 + d), absolute is s = s0 + d as in the paper"),
    ConfigKey(
      "train_zero_points", \.trainZeroPoints, .yesNo, critical: true,
      "whether zero points are trained too, one real number per group"),
    ConfigKey(
      "target_modules", \.targetModules, .modules, critical: true,
      "layers that are trained, by names, parts of names, ranges and stars; the others stay as they are"
    ),
    ConfigKey(
      "objective", \.objective, .choice, critical: true,
      "task minimizes the loss on the data; distill learns from a teacher, see below"),
    ConfigKey(
      "bits", \.bits, orNil: .whole(2...8),
      "bits per weight that the base must have; the run stops if it has others"),
    ConfigKey(
      "group_size", \.groupSize, orNil: .whole(-1...65536),
      "columns per group that the base must have, -1 for whole rows; the run stops if it has others"
    ),
    ConfigKey(
      "sym", \.symmetric, orNil: .yesNo,
      "whether the base must be symmetric (without zero points); the run stops if it differs"),
    ConfigKey(
      "method", \.method, orNil: .choice,
      "how the codes of the base must have been found; the run stops if it was otherwise"),
    ConfigKey(
      "verify_base", \.verifyBase, .yesNo,
      "read the whole base before the first step and check its digest"),
  ]

  private static let distillation: [ConfigKey] = [
    ConfigKey(
      "teacher", \.teacher, .path,
      "full-precision model to learn from, mostly the one that the base was made of"),
    ConfigKey(
      "distill_weight", \.distillWeight, .number(0...1), critical: true,
      "share of the divergence from the teacher in the loss; the rest is the loss on the data"),
    ConfigKey(
      "distill_temperature", \.distillTemperature, .number(0.01...100), critical: true,
      "temperature of both distributions; the divergence is multiplied by its square"),
    ConfigKey(
      "distill_top_k", \.distillTopK, .whole(1...TeacherProbabilities.mostTokens), critical: true,
      "tokens of the teacher that are compared one by one; all others count as one"),
    ConfigKey(
      "distill_hidden_weight", \.distillHiddenWeight, .number(0...1e6), critical: true,
      "weight of the relative squared difference of the streams behind the blocks"),
    ConfigKey(
      "distill_hidden_blocks", \.distillHiddenBlocks, .blocks, critical: true,
      "blocks whose streams are compared, from 0; none for all"),
  ]

  private static let data: [ConfigKey] = [
    ConfigKey(
      "datasets", \.datasets, .datasets, "training data, a list of {path, type, split}"),
    ConfigKey(
      "eval_datasets", \.evalDatasets, .datasets,
      "held-out data, a list like datasets; replaces val_set_size"),
    ConfigKey(
      "val_set_size", \.valSetSize, .number(0...Double.infinity), critical: true,
      "samples of datasets to hold out: a fraction if below 1, else a number of samples"),
    ConfigKey(
      "max_seq_length", \.maxSequenceLength, .whole(2...1_048_576),
      aliases: ["sequence_len", "cutoff_len", "max_length"], critical: true,
      "largest number of tokens per sequence"),
    ConfigKey(
      "excess_length_strategy", \.excessLength, .choice, critical: true,
      "what to do with samples longer than max_seq_length: stop, leave them out, or cut them"),
    ConfigKey(
      "train_on_inputs", \.trainOnInputs, .yesNo, critical: true,
      "whether the loss counts prompts as well as responses"),
    ConfigKey(
      "chat_template", \.chatTemplate, orNil: .text, critical: true,
      "name of a built-in chat template; without it the model's own is used"),
    ConfigKey(
      "packing", \.packing, .yesNo, aliases: ["sample_packing"], critical: true,
      "put several samples into one sequence; they do not attend to each other"),
    ConfigKey(
      "dataset_cache", \.datasetCache, orNil: .path, aliases: ["dataset_prepared_path"],
      "folder of the token cache"),
    ConfigKey(
      "max_record_bytes", \.maxRecordBytes, .whole(1...(1 << 29)),
      "size in bytes of the largest record that a data file may have"),
  ]

  private static let batches: [ConfigKey] = [
    ConfigKey(
      "micro_batch_size", \.microBatchSize, .whole(1...65536),
      aliases: ["per_device_train_batch_size"],
      "sequences that a rank computes at once; does not change the result"),
    ConfigKey(
      "global_batch_size", \.globalBatchSize, .whole(1...1_048_576), aliases: ["batch_size"],
      critical: true, "sequences per step, over all ranks"),
    ConfigKey(
      "gradient_accumulation_steps", \.gradientAccumulationSteps, orNil: .whole(1...1_048_576),
      "not needed; if given, it must agree with the batch sizes and the number of ranks"),
    ConfigKey(
      "num_epochs", \.numEpochs, .number(0...1e6), aliases: ["num_train_epochs"],
      "passes over the training data"),
    ConfigKey("max_steps", \.maxSteps, .steps, "number of steps; replaces num_epochs"),
    ConfigKey(
      "max_wall_time", \.maxWallTime, .number(0...1e9),
      "seconds after which the run saves and ends with code 75; 0 sets no limit"),
    ConfigKey(
      "stop_at_step", \.stopAtStep, .whole(0...Int.max),
      "step at which the run evaluates, saves and pauses, to go on later as if it had not; 0 for none"
    ),
  ]

  private static let optimizer: [ConfigKey] = [
    ConfigKey(
      "learning_rate", \.learningRate, orNil: .number(0...1e3), aliases: ["lr"], critical: true,
      "peak learning rate; without it 0.003 if scale_param is relative, 2e-05 if absolute"),
    ConfigKey(
      "lr_scheduler", \.schedule, .choice, aliases: ["lr_scheduler_type"], critical: true,
      "how the learning rate falls after the warm-up"),
    ConfigKey(
      "warmup_steps", \.warmupSteps, .whole(0...Int.max), critical: true,
      "steps in which the learning rate rises from 0 to its peak"),
    ConfigKey(
      "warmup_ratio", \.warmupRatio, .number(0...1), critical: true,
      "the same as a fraction of all steps; warmup_steps replaces it"),
    ConfigKey(
      "min_lr_ratio", \.minimumLearningRateRatio, .number(0...1), critical: true,
      "learning rate of the last step, as a fraction of the peak"),
    ConfigKey(
      "weight_decay", \.weightDecay, .number(0...1e3), critical: true,
      "decoupled weight decay of AdamW"),
    ConfigKey(
      "adam_beta1", \.adamBeta1, .number(0...1), critical: true,
      "decay of AdamW's mean of gradients"),
    ConfigKey(
      "adam_beta2", \.adamBeta2, .number(0...1), critical: true,
      "decay of AdamW's mean of squared gradients"),
    ConfigKey(
      "adam_epsilon", \.adamEpsilon, .number(0...1), critical: true,
      "number added to AdamW's denominator"),
    ConfigKey(
      "max_grad_norm", \.maxGradNorm, .number(0...Double.infinity), critical: true,
      "largest norm of the whole gradient, to which larger ones are scaled; 0 never scales"),
  ]

  private static let computation: [ConfigKey] = [
    ConfigKey(
      "gradient_checkpointing", \.gradientCheckpointing, .yesNo,
      "compute products again in the backward pass: less memory, about a quarter more time"),
    ConfigKey(
      "base_streaming", \.baseStreaming, .choice,
      "read the base from disk block by block; auto does so if memory is too small"),
    ConfigKey(
      "memory_limit", \.memoryLimit, .number(0...1e9),
      "GB that the ranks of a node and the base may use together; 0 uses what is free"),
    ConfigKey(
      "dtype", \.dtype, .choice,
      "precision of matrix products; int8, which auto takes, multiplies codes as integers, the rest in bf16 where the CPU has it, else fp32"
    ),
    ConfigKey(
      "deterministic", \.deterministic, .choice,
      "strict: the same bits on CPUs of one kind; portable: on all, which may be mixed; off: a run may continue with kernels that round differently"
    ),
    ConfigKey(
      "threads", \.threads, .whole(0...4096),
      "threads per rank; 0 uses PEQA_NUM_THREADS, OMP_NUM_THREADS or the CPUs that the rank may use"
    ),
    ConfigKey(
      "comm_timeout", \.commTimeout, .number(1...1e6),
      "seconds without a sign of life or progress after which a rank is given up"),
    ConfigKey(
      "gradient_sum", \.gradientSum, .choice, critical: true,
      "bytes per number between ranks: wide sends 8, narrow 4, rounded to 2^-24 of the largest of 256"
    ),
    ConfigKey(
      "schedule", \.workSchedule, .choice(former: ["stealing": "dynamic"]), aliases: ["work"],
      "static assigns sequences to ranks beforehand, dynamic gives the next one to an idle rank"),
    ConfigKey(
      "digest_steps", \.digestSteps, .whole(0...Int.max),
      "steps between comparisons of the ranks' scales and moments; 0 never compares"),
    ConfigKey(
      // run.json and checkpoints have it.
      "seed", \.seed, .whole(TrainerState.counts), critical: true,
      "decides the order of the data and which samples are held out"),
  ]

  private static let evaluation: [ConfigKey] = [
    ConfigKey(
      "logging_steps", \.loggingSteps, .whole(0...Int.max),
      "steps between lines of metrics; 0 writes none"),
    ConfigKey(
      "report_to", \.reportTo, .words("a list of jsonl, csv, tensorboard, none"),
      "formats in which metrics are written"),
    ConfigKey(
      "report_prompts", \.reportPrompts, .words("a list of texts"),
      "prompts that the base and the tuned model continue at the end, for report.html"),
    ConfigKey(
      "eval_steps", \.evalSteps, .whole(0...Int.max),
      "steps between evaluations; 0 evaluates at the end only"),
    ConfigKey(
      "eval_on_start", \.evalOnStart, .yesNo, "whether to evaluate before the first step too"),
    ConfigKey(
      "max_eval_sequences", \.maxEvalSequences, .whole(0...Int.max),
      "sequences per evaluation; 0 uses all"),
    ConfigKey(
      "metric_for_best_model", \.bestMetric, .choice,
      "metric whose lowest value decides which adapter is kept in `best/`"),
    ConfigKey(
      "load_best_model_at_end", \.loadBestModelAtEnd, .yesNo,
      "make the best adapter the final one"),
    ConfigKey(
      "early_stopping_patience", \.earlyStoppingPatience, .whole(0...Int.max),
      "stop after this many evaluations in a row without improvement; 0 never stops"),
    ConfigKey(
      "evaluation", \.taskEvaluation, .tasks,
      "tasks on which the model is measured every so many steps and at the end, by files in data_dir"
    ),
  ]

  private static let files: [ConfigKey] = [
    ConfigKey(
      "output_dir", \.outputDirectory, .path,
      "folder for the adapter, checkpoints and metrics"),
    ConfigKey(
      "overwrite_output_dir", \.overwriteOutputDirectory, .yesNo, aliases: ["overwrite"],
      "replace a finished run in output_dir"),
    ConfigKey(
      "save_steps", \.saveSteps, .whole(0...Int.max),
      "steps between checkpoints; 0 saves by save_interval"),
    ConfigKey(
      "save_interval", \.saveInterval, .number(0...1e9),
      "seconds between checkpoints, more if saving takes over 1 % of the time; 0 if save_steps is set"
    ),
    ConfigKey(
      "save_total_limit", \.saveTotalLimit, .whole(0...Int.max),
      "number of checkpoints to keep; 0 keeps all"),
    ConfigKey(
      "resume", \.resume, .resume, aliases: ["resume_from_checkpoint"],
      "continue the run in output_dir if there is one (auto), start anew (never), or a checkpoint"),
  ]
}

extension ConfigKind where Value == Int? {
  /// -1 and 0 mean "not set", as in Hugging Face.
  static var steps: ConfigKind {
    ConfigKind("a whole number; -1 is unset", read: { _, _ in nil }) {
      $0.map(String.init)
    }.reading { node in
      guard let value = node.wholeNumber, value >= -1 else { return nil }
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

extension ConfigKind where Value == [Int] {
  /// Numbers of blocks, ascending.
  static var blocks: ConfigKind {
    ConfigKind("block numbers in rising order") { node, _ in
      let nodes: [ConfigNode]
      switch node.content {
      case .list(let elements): nodes = elements
      default: nodes = [node]
      }
      let numbers = nodes.compactMap { $0.wholeNumber }
      guard numbers.count == nodes.count, numbers.allSatisfy({ $0 >= 0 }),
        zip(numbers, numbers.dropFirst()).allSatisfy({ $0 < $1 })
      else { return nil }
      return numbers
    } show: {
      "[" + $0.map(String.init).joined(separator: ", ") + "]"
    }
  }
}

extension ConfigKind where Value == ResumeMode {
  static var resume: ConfigKind {
    ConfigKind("auto, never or the path of a checkpoint") { node, location in
      switch node.scalar {
      case nil: nil
      case "auto", "true": .auto
      case "never", "false": .never
      case .some(let path): .path(location.resolve(path))
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
