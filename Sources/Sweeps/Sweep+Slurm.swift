internal import Checkpoints
internal import Foundation

extension Sweep {
  /// Has launch/array train what is missing, a job array for each rung, and waits for it.
  ///
  /// Jobs are known by a name that follows from folder and rung. So a sweep that was killed finds
  /// them again, and queues nothing twice.
  func queue(_ settings: [Int], to step: Int?, rung: Int, _ options: [String]) throws {
    let job = jobName(rung)
    try waitForJobs(named: job)
    while true {
      for run in plan.runs.indices { forget(run) }
      let runs = pending(settings, at: step)
      if runs.isEmpty { return }
      guard folder.submissions[rung] <= self.settings.retries else {
        let reason = "not there after \(folder.submissions[rung]) jobs; slurm-*.out says why"
        for run in runs { try fail(plan.runs[run], 75, reason) }
        return
      }
      try folder.noteSubmission(rung: rung)
      try submit(runs, to: step, job: job, rung: rung, options)
      try waitForJobs(named: job)
    }
  }

  private func jobName(_ rung: Int) -> String {
    let digest = SHA256.hexDigest(of: Array("\(plan.digest) \(folder.path)".utf8))
    return "peqa-\(digest.prefix(10))-\(rung)"
  }

  private func submit(
    _ runs: [Int], to step: Int?, job: String, rung: Int, _ options: [String]
  ) throws {
    let lines = try runs.map { number in
      let run = plan.runs[number]
      try folder.writeRunFile(run)
      return Self.word(folder.runFile(run)) + (step.map { " --stop-at-step \($0)" } ?? "") + "\n"
    }
    let list = "\(folder.path)/rung-\(rung).txt"
    try AtomicFile.write(lines.joined(), to: list)
    let log = "\(folder.path)/slurm.log"
    let words =
      [try launcher.script("array"), list, "--job-name=\(job)"]
      + ["--output=\(folder.path)/slurm-%A_%a.out"] + options
    let code = try launcher.run(words, output: log)
    guard code == 0 else {
      throw SweepError.noLauncher("launch/array has ended with \(code); \(log) says why")
    }
    report(.queued(job: job, runs: runs.count))
  }

  /// Looks at a queue that was seen before that may fail one after the other: a controller may be
  /// started again meanwhile.
  private static let mostMisses = 30

  /// Until Slurm no longer knows jobs of this name: done, failed or cancelled.
  private func waitForJobs(named job: String) throws {
    let answer = "\(folder.path)/.squeue"
    var misses = 0
    while true {
      try Folder.remove(answer)
      let code = try launcher.run(
        ["squeue", "-h", "-n", job, "-o", "%i"], output: answer, errors: "/dev/null")
      if code == 0 { (misses, hasSeenQueue) = (0, true) } else { misses += 1 }
      guard misses == 0 || hasSeenQueue && misses <= Self.mostMisses else {
        throw SweepError.noLauncher(
          "squeue has ended with \(code)\(misses > 1 ? ", \(misses) times" : ""): is Slurm there?")
      }
      if code == 0, try OpenFile.contents(of: answer).isEmpty { return try Folder.remove(answer) }
      try launcher.pause(seconds: queueInterval)
    }
  }

  /// A path as one word of a line of launch/array.
  private static func word(_ path: String) -> String {
    path.reduce(into: "") { text, character in
      if character.isWhitespace || "\"'\\".contains(character) { text.append("\\") }
      text.append(character)
    }
  }
}
