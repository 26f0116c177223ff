package import Datasets
package import DecoderModel
package import Quantization

/// Everything a training run is told: one value, no optionals where a decision must have been made.
///
/// Names follow Hugging Face, axolotl and LLaMA-Factory; `ConfigKey.all` binds each field to its
/// key in a run file. The defaults stand here and nowhere else.
package struct RunConfig: Sendable, Equatable {
  // What is trained.
  package var model = ""
  package var scaleGranularity = ScaleGranularity.row
  /// K of `ScaleFactors`, with `row+column` only.
  package var scaleRank = 0
  package var scaleParam = ScaleParametrization.relative
  package var trainZeroPoints = false
  package var targetModules = TargetModules.all.patterns
  package var objective = Objective.task

  // What is learnt from another model.
  package var teacher = ""
  package var distillWeight = 1.0
  package var distillTemperature = 1.0
  package var distillTopK = 64
  package var distillHiddenWeight = 0.0
  /// Blocks from 0, ascending; empty for all.
  package var distillHiddenBlocks: [Int] = []

  // What the base must be; nil takes the base as it is.
  package var bits: Int?
  package var groupSize: Int?
  package var symmetric: Bool?
  package var method: QuantizationSettings.Method?
  /// Reads the whole base at the start and compares its digest.
  package var verifyBase = true

  // Data.
  package var datasets: [DatasetSource] = []
  package var evalDatasets: [DatasetSource] = []
  /// Below 1 a fraction of the samples, from 1 on a number of samples.
  package var valSetSize = 0.0
  package var maxSequenceLength = 1024
  package var excessLength = ExcessLengthStrategy.raise
  package var trainOnInputs = false
  package var chatTemplate: String?
  package var packing = true
  package var datasetCache: String?
  /// Larger records are refused: a sample of that size is a mistake, and costs many times as much
  /// memory.
  package var maxRecordBytes = DatasetSettings.defaultLargestRecord

  // Batches and length of the run.
  package var microBatchSize = 1
  package var globalBatchSize = 8
  /// nil: derived from the global batch and the number of ranks.
  package var gradientAccumulationSteps: Int?
  package var numEpochs = 3.0
  package var maxSteps: Int?
  /// Seconds after which the run saves and stops with code 75; 0 for no limit.
  package var maxWallTime = 0.0
  /// Step at which the run evaluates, saves and leaves with code 0, unfinished; 0 for none.
  package var stopAtStep = 0

  // Optimizer. A nil learning rate takes the default of `scaleParam`.
  package var learningRate: Double?
  package var schedule = ScheduleKind.linear
  package var warmupSteps = 0
  package var warmupRatio = 0.0
  package var minimumLearningRateRatio = 0.0
  package var weightDecay = 0.0
  package var adamBeta1 = 0.9
  package var adamBeta2 = 0.999
  package var adamEpsilon = 1e-8
  /// 0 does not clip.
  package var maxGradNorm = 1.0

  // Computation.
  package var gradientCheckpointing = true
  package var baseStreaming = StreamingMode.auto
  /// GB (1e9 bytes) that the ranks of a node may use together; 0 takes what is free.
  package var memoryLimit = 0.0
  package var dtype = ComputeType.auto
  package var deterministic = Determinism.strict
  /// 0 takes PEQA_NUM_THREADS, OMP_NUM_THREADS or the affinity mask.
  package var threads = 0
  /// Seconds that a rank may be silent or stand still before the others give up.
  package var commTimeout = 120.0
  package var gradientSum = SumWidth.wide
  package var workSchedule = WorkSchedule.static
  /// Steps between comparisons of the ranks' states; 0 never compares.
  package var digestSteps = 1
  package var seed = 42

  // Reports and evaluation. 0 means never.
  package var loggingSteps = 1
  package var reportTo = ["jsonl", "csv"]
  package var reportPrompts: [String] = []
  package var evalSteps = 0
  package var evalOnStart = false
  package var maxEvalSequences = 0
  package var bestMetric = BestMetric.evalLoss
  package var loadBestModelAtEnd = false
  package var earlyStoppingPatience = 0
  package var taskEvaluation = TaskSettings()

  // Files.
  package var outputDirectory = ""
  package var overwriteOutputDirectory = false
  package var saveSteps = 0
  /// Seconds between checkpoints, or as much longer as keeps them below 1 % of the time.
  package var saveInterval = 60.0
  /// Checkpoints kept; 0 keeps all.
  package var saveTotalLimit = 2
  package var resume = ResumeMode.auto

  package init() {}
}

package enum Objective: String, CaseIterable, Sendable { case task, distill }
package enum ComputeType: String, CaseIterable, Sendable {
  case auto, fp32, bf16
  /// Codes as integers, everything else as `auto` has it.
  case int8
}
package enum Determinism: String, CaseIterable, Sendable {
  /// The bits of one kind of kernels, on any number of ranks and threads.
  case strict
  /// The bits of every kind: ranks may differ.
  case portable
  /// The kernels may change from one start to the next.
  case off
}
/// Who computes which sequences of a batch.
package enum WorkSchedule: String, CaseIterable, Sendable {
  /// Rank r of n computes every n-th one, beginning with the r-th.
  case `static`
  /// The first idle rank computes the next one.
  case dynamic
}
package enum BestMetric: String, CaseIterable, Sendable {
  case evalLoss = "eval_loss"
  case perplexity
}

/// What to do with a checkpoint that is already in the output folder.
package enum ResumeMode: Sendable, Equatable {
  /// Continue from `latest` where there is one.
  case auto
  case never
  /// Continue from this checkpoint folder.
  case path(String)
}

extension RunConfig {
  /// How training data is prepared; held-out data takes the same with `validation` none.
  package var datasetSettings: DatasetSettings {
    get throws(DatasetError) {
      DatasetSettings(
        maximumLength: maxSequenceLength, excessLengthStrategy: excessLength,
        trainOnInputs: trainOnInputs, packing: packing,
        validation: evalDatasets.isEmpty ? try ValidationSize(valSetSize) : .none,
        seed: UInt64(seed), largestRecord: maxRecordBytes)
    }
  }

  /// Steps of a whole run.
  package func steps(_ order: DataOrder) -> Int {
    maxSteps ?? max(1, order.steps(forEpochs: numEpochs))
  }

  /// Steps of a whole run on so many sequences.
  package func steps(sequences count: Int) -> Int { steps(DataOrder(self, of: count)) }

  /// What of the base is trained.
  package var scaleTraining: ScaleTraining {
    ScaleTraining(
      scaleGranularity, scaleParam, modules: TargetModules(targetModules), rank: scaleRank,
      zeroPoints: trainZeroPoints, seed: UInt64(seed))
  }

  /// The peak learning rate after defaults: the relative form has one value for all layers and bit
  /// widths, the absolute form works at the size of the scales themselves.
  package var peakLearningRate: Double {
    learningRate ?? (scaleParam == .relative ? 3e-3 : 2e-5)
  }
}

extension DataOrder {
  /// The order in which a run meets its `count` sequences.
  package init(_ config: RunConfig, of count: Int) {
    self.init(
      count: count, globalBatchSize: config.globalBatchSize, seed: UInt64(config.seed))
  }
}
