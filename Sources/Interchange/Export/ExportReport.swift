internal import ExitCodes
package import JSONText

/// What an export did.
package struct ExportReport: Sendable {
  package var output: String
  package var format: ExportFormat
  /// The imported file was made again, with the task's scales.
  package var handsBack: Bool
  package var tensors: [ExportedTensor]
  package var notes: [String]
  package var bytes: Int
  /// Largest difference of a weight that was read back from what was trained.
  package var largestDifference: Double
  /// Largest difference of the losses of a few tokens, of the base with its scales and of what was
  /// read back in full precision; nil where that takes too much memory.
  package var lossDifference: Double?
  package var seconds: Double

  package var json: JSONValue {
    [
      "output": .string(output), "format": .string(format.rawValue),
      "hands_back": .bool(handsBack), "exact": .bool(tensors.allSatisfy(\.isExact)),
      "bytes": .integer(bytes), "largest_difference": .real(largestDifference),
      "loss_difference": lossDifference.map { .real($0) } ?? .null,
      "notes": .array(notes.map { .string($0) }),
      "tensors": .array(
        tensors.map {
          [
            "name": .string($0.name), "form": .string($0.form),
            "relative_error": .real($0.relativeError), "largest_error": .real($0.largestError),
          ]
        }),
      "seconds": .real(seconds),
    ]
  }
}

/// Why an export was not made.
package enum ExportError: ExitCoded, CustomStringConvertible {
  /// The format cannot hold the numbers; says by how much they would change.
  case loses(String)
  /// What was read back is not what was written.
  case readBack(tensor: String, difference: Double)

  package var exitCode: Int32 {
    switch self {
    case .loses: 65
    case .readBack: 70
    }
  }

  package var description: String {
    switch self {
    case .loses(let what):
      "this format cannot hold the weights as they were trained: \(what). Nothing was written. Give "
        + "--lossy to write it all the same, or another --format."
    case .readBack(let tensor, let difference):
      "\(tensor), read back, differs by \(difference) from what was trained. Nothing was written: "
        + "this is a fault of the program, please report it."
    }
  }
}
