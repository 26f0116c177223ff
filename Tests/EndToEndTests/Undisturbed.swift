import Foundation
import TestSupport
import Testing

/// One run that nothing disturbs, with its adapter of every tenth step: what runs with faults are
/// compared with after they have gone on.
enum Undisturbed {
  /// Settings of both, without an end: a run that takes long to disturb must not end before, and
  /// the schedule may not depend on an end. After some minutes it stops with another code than
  /// expected.
  static func runFile(in folder: TemporaryFolder) throws -> String {
    try folder.runFile(
      """
      val_set_size: 40
      max_steps: 1000000
      max_wall_time: 200
      learning_rate: 5e-3
      lr_scheduler: constant
      warmup_steps: 4
      save_steps: 10
      comm_timeout: 3
      """)
  }

  private static let first = Task { try await adapters(to: 80) }

  /// After `step` steps, a multiple of ten.
  static func adapter(step: Int) async throws -> Data {
    if let known = try await first.value[step] { return known }
    return try #require(try await adapters(to: step)[step])
  }

  private static func adapters(to end: Int) async throws -> [Int: Data] {
    let folder = try TemporaryFolder()
    let result = try await Program.run([
      "train", runFile(in: folder), "--output-dir", folder.file("run").path, "--max-steps",
      "\(end)", "--save-total-limit", "0",
    ])
    #expect(result.status == 0, "\(result.standardError)")
    let steps = Array(stride(from: 10, through: end, by: 10))
    return try Dictionary(
      uniqueKeysWithValues: steps.map { step in
        let file = folder.file("run/checkpoint-\(step)/adapter_model.safetensors")
        return (step, try Data(contentsOf: file))
      })
  }
}
