package import Checkpoints
package import Datasets
package import DecoderModel
package import JSONText

/// What the trainer needs of a model: a flat vector of fp32 parameters and exact gradients of
/// single sequences.
///
/// The gradient of a sequence may depend on the parameters and the sequence only, never on threads,
/// ranks or other sequences: the trainer adds such gradients exactly, and thereby promises the same
/// bits on any number of ranks.
package protocol TrainableModel: AnyObject {
  var parameterCount: Int { get }

  /// Writes the parameters at which the model equals its base, e.g. all 0 in the relative form.
  func copyInitialParameters(to values: UnsafeMutableBufferPointer<Float>)

  /// Takes new parameters; the forward pass uses what would be stored of them (fp16 scales).
  @discardableResult
  func setParameters(_ values: UnsafeBufferPointer<Float>) -> ScaleFaults

  /// One pass over some sequences: their losses, and to `add` the gradients of the sums of their
  /// token losses, each sequence by itself: every parameter of every sequence once, in any order.
  func lossesAndGradients(
    _ sequences: [PackedSequence], add: GradientSink
  ) throws -> [SequenceLoss]

  /// The cross-entropy of one sequence, whatever the objective; computed in floating point, also
  /// where training multiplies integers.
  func loss(_ sequence: PackedSequence) throws -> SequenceLoss

  /// The contents of `adapter_model.safetensors` for the current parameters.
  func adapterTensors() -> [AdapterTensor]

  /// Takes what `adapterTensors` gave at some step, with other bytes, until `setParameters`.
  func setAdapter(_ tensors: [AdapterTensor])

  /// Members of `adapter_config.json` that describe the model: base_sha256, bits, group_size, ...
  var adapterDescription: [(String, JSONValue)] { get }
}

extension TrainableModel {
  /// Overwrites `gradient` with the gradient of this one sequence.
  package func lossAndGradient(
    _ sequence: PackedSequence, gradient: UnsafeMutableBufferPointer<Float>
  ) throws -> SequenceLoss {
    precondition(gradient.count == parameterCount, "one gradient for each parameter")
    return try lossesAndGradients([sequence]) { _, first, values in
      _ = UnsafeMutableBufferPointer(rebasing: gradient[first...]).update(fromContentsOf: values)
    }[0]
  }
}

/// The loss of one sequence: a sum over its supervised tokens, in nats, and how many these are.
package struct SequenceLoss: Sendable, Equatable {
  package var sum: Double
  package var tokens: Int
  /// Sums of what it is made of, where a model learns from a teacher.
  package var parts: LossParts?

  package init(sum: Double, tokens: Int, parts: LossParts? = nil) {
    self.sum = sum
    self.tokens = tokens
    self.parts = parts
  }
}

/// One tensor of an adapter file.
package struct AdapterTensor: Sendable, Equatable {
  package var name: String
  package var type: ElementType
  package var shape: [Int]
  /// Little-endian, row-major.
  package var bytes: [UInt8]

  package init(name: String, type: ElementType, shape: [Int], bytes: [UInt8]) {
    self.name = name
    self.type = type
    self.shape = shape
    self.bytes = bytes
  }
}

/// Sequences by number. Every rank has all of them; the trainer decides which it reads.
package protocol SequenceSource {
  var count: Int { get }
  func sequence(at index: Int) throws -> PackedSequence
  /// Where a sample came from, for messages, e.g. `train.jsonl:12`.
  func origin(ofSample id: Int) -> String
}

extension TokenDataset: SequenceSource {}
