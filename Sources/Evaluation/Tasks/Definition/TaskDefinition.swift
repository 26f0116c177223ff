package import ChatTemplates

/// What a task asks, how, and what counts; read from a YAML text.
///
/// Keys and meaning are those of lm-evaluation-harness where it has them.
package struct TaskDefinition: Sendable {
  package enum Kind: String, Sendable, CaseIterable {
    /// One of several choices, by their log-likelihoods.
    case multipleChoice = "multiple_choice"
    /// One continuation, by its log-likelihood.
    case logLikelihood = "loglikelihood"
    /// A text that is generated.
    case generation = "generate_until"
  }

  package enum Metric: String, Sendable, CaseIterable {
    case accuracy = "acc"
    /// By log-likelihood per character of the choice.
    case accuracyPerCharacter = "acc_norm"
    /// By log-likelihood per byte of UTF-8.
    case accuracyPerByte = "acc_bytes"
    case perplexity
    case exactMatch = "exact_match"
    case rougeL
  }

  package enum Split: String, Sendable, CaseIterable {
    case training, validation, test, dev

    /// The key of its files.
    var key: String { "\(rawValue)_split" }
  }

  /// How examples are chosen.
  package enum Sampler: String, Sendable, CaseIterable {
    /// At random, by Python's generator with seed 1234, anew for every item.
    case random = "default"
    case firstN = "first_n"
    /// Not at all: the prompt's template places those that a record brings.
    case template
  }

  package enum Choices: Sendable {
    case texts([String])
    case template(TextTemplate)
  }

  /// Where the definition stands, for messages.
  package var path: String
  package var name: String
  package var kind = Kind.multipleChoice
  package var splits: [Split: [TaskFiles]] = [:]
  package var fewShotSplit: Split?
  package var sampler = Sampler.random
  /// Where the caller names no number.
  package var fewShotCount = 0
  /// What records must have; other members are free.
  package var record: [RecordMember] = []
  /// Members that are added to each record, or put in place of its own, one after the other.
  package var fields: [(name: String, template: TextTemplate)] = []
  package var text, target: TextTemplate
  package var choices: Choices?
  /// Choices are contexts, the target is their common continuation, and the text gives the index of
  /// the right one.
  package var hasMultipleInputs = false
  package var description: TextTemplate?
  package var targetDelimiter = " "
  package var fewShotDelimiter = "\n\n"
  package var metrics: [Metric]
  /// The member by which the task is cut into subtasks.
  package var groupKey: String?
  /// Tokens that are generated at most, and texts that end a generation.
  package var generation: (maximum: Int, until: [String]) = (128, ["\n\n"])

  /// Where examples come from, as lm-evaluation-harness decides it.
  var exampleSplit: Split {
    if let fewShotSplit { return fewShotSplit }
    return [.training, .validation].first { splits[$0] != nil } ?? .test
  }

  /// An item is kept out of its own examples, for which one more is drawn. lm-evaluation-harness
  /// compares the names of splits, and so does this: also where neither is given.
  var leavesItemOut: Bool {
    fewShotSplit == (splits[.test] == nil ? nil : .test)
  }
}

/// Files of a split.
package struct TaskFiles: Sendable, Equatable {
  package enum Format: String, Sendable, CaseIterable {
    /// Records in JSON or JSONL.
    case records
    /// Tasks of Super-NaturalInstructions, whose instances are the records.
    case superNI = "super_ni"
  }

  /// Patterns under the data folder; all that match count together.
  package var patterns: [String]
  /// A file of as many lines as there are records: their labels.
  package var labels: String?
  package var format = Format.records

  package init(patterns: [String], labels: String? = nil, format: Format = .records) {
    (self.patterns, self.labels, self.format) = (patterns, labels, format)
  }
}
