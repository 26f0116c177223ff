import Foundation
import Testing

/// The promise of exact sums: the adapter does not depend on ranks or threads. (Nor on interruptions:
/// see `KillTests`.)
@Suite(.serialized) struct SameBitsTests {
  let folder: Folder
  let runFile: String

  init() throws {
    folder = try Folder()
    try folder.write(Self.text, to: "text.txt")
    try folder.write(
      """
      model: \(Program.base)
      datasets: [{path: \(folder.file("text.txt").path), type: text}]
      val_set_size: 0
      max_seq_length: 96
      global_batch_size: 7
      max_steps: 16
      learning_rate: 5e-3
      warmup_steps: 2
      save_steps: 8
      logging_steps: 1
      dataset_cache: \(folder.file("cache").path)
      """, to: "run.yaml")
    runFile = folder.file("run.yaml").path
  }

  /// Text that a byte-wise tokenizer can read, different in every line.
  static let text = (0..<900).map { i in
    "Line \(i): the square of \(i) is \(i * i), and \(i) in base 7 is \(String(i, radix: 7)).\n"
  }.joined()

  private func adapter(_ output: String) throws -> Data {
    try Data(contentsOf: folder.file("\(output)/adapter_model.safetensors"))
  }

  private func train(
    _ output: String, ranks: Int? = nil, threads: Int = 1, _ more: [String] = []
  ) throws -> Data {
    let result = try Program.run(
      ["train", runFile, "--output-dir", folder.file(output).path] + more, ranks: ranks,
      threads: threads)
    #expect(result.status == 0, "\(result.standardError)")
    return try adapter(output)
  }

  @Test func ranksAndThreadsGiveTheSameAdapter() throws {
    let alone = try train("alone")
    for (ranks, threads) in [(nil, 2), (2, 2), (3, 1), (4, 1)] {
      let other = try train("r\(ranks ?? 0)t\(threads)", ranks: ranks, threads: threads)
      #expect(other == alone, "\(ranks ?? 0) ranks, \(threads) threads")
    }
    // Whoever is free takes the next sequence.
    #expect(try train("stealing", ranks: 3, ["--work", "stealing"]) == alone)
    // Sums of 4 bytes have other last bits, but also the same on any ranks.
    let narrow = try train("n", ["--gradient-sum", "narrow"])
    let state = try Data(contentsOf: folder.file("n/checkpoint-16/optimizer.safetensors"))
    #expect(state.range(of: Data("sum_fraction_bits".utf8)) != nil)
    for (ranks, work) in [(2, "stealing"), (3, "static")] {
      let other = try train(
        "n\(ranks)", ranks: ranks, ["--gradient-sum", "narrow", "--work", work])
      #expect(other == narrow, "\(ranks) ranks, narrow, \(work)")
    }
    // A run that had learned nothing would pass the above.
    let untrained = try train("zero", ["--max-steps", "1", "--learning-rate", "0"])
    #expect(untrained != alone)
  }

  @Test func clusterFileStartsRanks() throws {
    let alone = try train("alone", ["--max-steps", "5"])
    let process = Process()
    process.executableURL = Program.root.appending(path: "launch/mpirun-train")
    process.arguments = [
      "-c", Program.root.appending(path: "clusterconfigs/laptop.yaml").path, runFile,
      "--output-dir", folder.file("cluster").path, "--max-steps", "5",
    ]
    (process.standardOutput, process.standardError) = (
      FileHandle.nullDevice, FileHandle.nullDevice
    )
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 0)
    #expect(try adapter("cluster") == alone)
  }
}
