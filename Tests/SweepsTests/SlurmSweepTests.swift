import Foundation
import Sweeps
import TestSupport
import Testing

/// Sweeps over launch/array, with stand-ins for Slurm's commands. Tests/lab has a real Slurm.
@Suite struct SlurmSweepTests {
  private static let section = """
      parameters: {learning_rate: [1e-4, 3e-3], seed: [1, 2]}
      rungs: [2]
      eta: 2
      slurm: [-N, 1, --time=1:00:00]
    """

  private var trainer: FakeTrainer

  init() throws {
    trainer = try FakeTrainer()
    try trainer.write(Self.section)
    // A job runs beside; while its file is there, the queue has it.
    try put(
      "sbatch",
      #"""
      #!/bin/bash
      here=$(dirname "$0")
      for word; do
        case $word in --job-name=*) name=${word#*=} ;; @*) list=${word#@} ;; esac
      done
      echo "$*" >>"$here/submitted"
      touch "$here/queue.$name"
      (
        sleep 0.1
        while read -r run flag step; do "$PEQA" train "$run" $flag $step; done <"$list"
        rm "$here/queue.$name"
      ) >/dev/null 2>&1 &
      echo 17
      """#)
    try put("squeue", "#!/bin/bash\n[ ! -e \"$(dirname \"$0\")/queue.$3\" ] || echo 17_1\n")
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    trainer.environment["PEQA_ROOT"] = root.path
    trainer.environment["PATH"] =
      trainer.folder.path + ":" + (trainer.environment["PATH"] ?? "/usr/bin:/bin")
  }

  private func put(_ name: String, _ text: String) throws {
    let path = try trainer.folder.put(name, text)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
  }

  private var submitted: [String] {
    let text = (try? String(contentsOfFile: trainer.folder("submitted"), encoding: .utf8)) ?? ""
    return text.split(separator: "\n").map(String.init)
  }

  @Test func aJobArrayForEachRung() throws {
    let results = try trainer.sweep()
    #expect(results.best.values.map(\.value) == ["0.003", "1"])
    #expect(submitted.count == 2)
    #expect(submitted[0].contains("--array=1-4") && submitted[0].contains("-N 1 --time=1:00:00"))
    #expect(submitted[1].contains("--array=1-2"))
    #expect(Set(trainer.steps).count == 4 * 2 + 2 * 8 && trainer.steps.count == 24)
    try trainer.sweep()
    #expect(submitted.count == 2)
  }

  /// The job of a sweep that was stopped is found again by its name.
  @Test func aQueuedJobIsNotQueuedAgain() throws {
    var isQueued = false
    #expect(throws: SweepError.self) {
      try trainer.sweep(
        signal: { isQueued ? SIGTERM : nil },
        report: { if case .queued = $0 { isQueued = true } })
    }
    try trainer.sweep()
    #expect(submitted.count == 2 && trainer.steps.count == 24)
  }

  /// A controller that is started again is waited for, one that was never there is not.
  @Test func aQueueThatIsAwayForAWhile() throws {
    let look = try String(contentsOfFile: trainer.folder("squeue"), encoding: .utf8)
    let fails = "echo >>\"$0.looks\"; [ $(($(wc -l <\"$0.looks\") % 4)) -eq 1 ] || exit 1\n"
    try put("squeue", look.replacing("#!/bin/bash\n", with: "#!/bin/bash\n" + fails))
    #expect(try trainer.sweep().best.values.map(\.value) == ["0.003", "1"])
    #expect(submitted.count == 2 && trainer.steps.count == 24)

    try FileManager.default.removeItem(atPath: trainer.folder("out"))
    try put("squeue", "#!/bin/bash\necho >>\"$0.calls\"; exit 1\n")
    let error = #expect(throws: SweepError.self) { try trainer.sweep() }
    #expect(error?.exitCode == 69)
    let calls = try String(contentsOfFile: trainer.folder("squeue.calls"), encoding: .utf8)
    #expect(calls.count == 1)
  }

  /// A program that is being written when it is to be started is waited for.
  @Test func aProgramThatIsBeingExchanged() throws {
    let writer = open(trainer.folder("squeue"), O_WRONLY)
    #expect(writer >= 0)
    let closing = Thread {
      usleep(500_000)
      close(writer)
    }
    closing.start()
    #expect(try trainer.sweep().best.values.map(\.value) == ["0.003", "1"])
  }

  /// Jobs that come to nothing are queued again as often as `retries` says, then their runs fail.
  @Test func runsThatNeverArrive() throws {
    var trainer = trainer
    try trainer.write(Self.section + "\n  retries: 1")
    trainer.environment["FAKE_FAILS"] = "0.0001"
    let results = try trainer.sweep()
    #expect(results.settings.last?.state == "failed")
    #expect(submitted.count == 3)
  }
}
