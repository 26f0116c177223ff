package import JSONText

/// How a run measures its model on tasks. What a task is, the caller alone knows.
package struct TaskMeasurement {
  /// What is measured, such as `piqa/acc` and `piqa/acc_stderr`.
  package var names: [String]
  /// The value of each name, with the scales of the moment; the same on all ranks, which call it
  /// together. Nil where `isStopped` says so on any of them.
  package var measure: (_ isStopped: @escaping () throws -> Bool) throws -> [JSONValue]?

  package init(
    names: [String],
    measure: @escaping (_ isStopped: @escaping () throws -> Bool) throws -> [JSONValue]?
  ) {
    (self.names, self.measure) = (names, measure)
  }
}
