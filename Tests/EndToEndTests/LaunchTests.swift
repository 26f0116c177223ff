import Foundation
import TestSupport
import Testing

/// The scripts of launch/, with stand-ins for ssh, mpirun and srun. Tests/lab has the real ones.
@Suite struct LaunchTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func launch(_ name: String) -> String {
    Program.root.appending(path: "launch/\(name)").path
  }

  /// Puts a program on PATH that does what `body` says.
  private func standIn(_ name: String, _ body: String) throws {
    try folder.write("#!/bin/bash\n\(body)\n", to: name)
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: folder.file(name).path)
  }

  private func run(
    _ program: String, _ arguments: [String], _ environment: [String: String] = [:]
  ) throws -> Program.Output {
    let path = folder.url.path + ":" + (ProcessInfo.processInfo.environment["PATH"] ?? "")
    return try Program.run(
      program: program, arguments,
      environment: ["PATH": path, "PEQA": Program.peqa].merging(environment) { $1 })
  }

  /// A function of supervision.sh.
  private func supervision(_ script: String, _ arguments: [String] = []) throws -> Program.Output {
    let source = "peqa=\(Program.peqa); source \(launch("steps/supervision.sh"))\n"
    return try run("/bin/bash", ["-c", source + script, "-"] + arguments)
  }

  /// What may get better, and a crash: another host may be the cause. 138 is no crash but USR1.
  @Test func exitCodesThatAreWorthAnotherStart() throws {
    let script = "for code in {0..255}; do ! worth_another_start $code || echo $code; done"
    let codes = try supervision(script).standardOutput.split(separator: "\n").compactMap { Int($0) }
    #expect(codes == [71, 74, 75, 132, 133, 134, 135, 136, 137, 139, 205])
    let names = try supervision("for code in 132 133 139; do crash_signal $code; done")
    #expect(names.standardOutput == "ILL\nTRAP\nSEGV\n")
  }

  /// The launcher tells the host, the script that its message is worth reading.
  @Test func aCrashIsTriedAgainAndNamed() throws {
    try standIn("mpirun", "exit 132")
    let ran = try run(
      launch("mpirun-train"), ["--max-restarts", "1", folder.runFile("output_dir: out\n")],
      ["PEQA_RESTART_DELAY": "0"])
    #expect(ran.status == 132)
    #expect(ran.standardError.contains("ended by signal ILL"))
    #expect(ran.standardError.contains("restart 1 of 1"))
  }

  /// Values reach the scripts as the trainer reads them: without YAML's quotes.
  @Test(arguments: [#"out "x""#, #"a\b"#, "it's", "plain", "ünï", "two words"])
  func settingsComeWithoutQuotes(name: String) throws {
    let runFile = try folder.runFile("output_dir: out\n")
    let path = "/tmp/\(name)"
    let script = #"run_setting output_dir "$@""#
    let found = try supervision(script, [runFile, "--output-dir", path])
    #expect(found.standardOutput == path + "\n")
  }

  @Test func configGivesOneKey() throws {
    let runFile = try folder.runFile("output_dir: out\ncomm_timeout: 7\n")
    func get(_ key: String) throws -> Program.Output {
      try Program.run(["config", runFile, "--get", key])
    }
    #expect(try get("comm_timeout").standardOutput == "7\n")
    #expect(try get("no_such_key").status == 64)
  }

  /// Such a name reached ssh as an option, at a restart, and through mpirun.
  @Test(arguments: [
    "-oProxyCommand=touch${IFS}FILE", "a;touch${IFS}FILE", "$(touch${IFS}FILE)", "-h",
  ])
  func hostNamesThatAreNoneAreRefused(name: String) throws {
    let witness = folder.file("witness")
    let name = name.replacing("FILE", with: witness.path)
    try standIn("mpirun", "exit 137")
    try standIn("ssh", #"for word; do [[ $word != -oProxyCommand=* ]] || eval "${word#*=}"; done"#)
    try folder.write("h1 slots=1\n\(name) slots=1\n", to: "hosts")
    let ran = try run(
      launch("mpirun-train"),
      [
        "-H", folder.file("hosts").path, "--max-restarts", "1",
        folder.runFile("output_dir: out\n"),
      ], ["PEQA_RESTART_DELAY": "0"])
    #expect(ran.status == 78)
    #expect(ran.standardError.contains(name))
    #expect(!FileManager.default.fileExists(atPath: witness.path))
  }

  /// ssh gets the name behind `--`.
  @Test func hostsAreAskedByName() throws {
    try standIn("mpirun", "exit 137")
    try standIn("ssh", #"printf '%s ' "$@" >>"\#(folder.file("asked").path)""#)
    try folder.write("h1\n", to: "hosts")
    let ran = try run(
      launch("mpirun-train"),
      [
        "-H", folder.file("hosts").path, "--max-restarts", "1",
        folder.runFile("output_dir: out\n"),
      ], ["PEQA_RESTART_DELAY": "0"])
    #expect(ran.status == 137)
    let asked = try String(contentsOf: folder.file("asked"), encoding: .utf8)
    #expect(asked == "-o BatchMode=yes -o ConnectTimeout=5 -- h1 true ")
  }

  /// A line of a job array is words, not shell code.
  @Test func linesOfAnArrayAreNotRun() throws {
    let witness = folder.file("witness")
    try standIn("srun", #"printf '<%s>' "$@""#)
    try folder.write(
      "first.yaml\nrun.yaml --output-dir \"a b\" $(touch \(witness.path)); touch \(witness.path)\n",
      to: "runs")
    let ran = try run(
      launch("train.sbatch"), ["@\(folder.file("runs").path)"],
      [
        "SLURM_JOB_ID": "1", "SLURM_JOB_NODELIST": "n1", "SLURM_ARRAY_TASK_ID": "2",
        "PEQA_ROOT": Program.root.path,
      ])
    #expect(ran.status == 0)
    #expect(
      ran.standardOutput.contains(
        "<train><run.yaml><--output-dir><a b><$(touch><\(witness.path));><touch>"))
    #expect(!FileManager.default.fileExists(atPath: witness.path))
  }

  /// Names with an apostrophe, and prompts that look like options. The programs are stand-ins that
  /// note what they get.
  @Test func theQuickstartQuotesWhatItIsGiven() throws {
    let root = folder.file("root")
    let binaries = root.appending(path: ".build/release")
    try FileManager.default.createDirectory(at: binaries, withIntermediateDirectories: true)
    try FileManager.default.copyItem(
      at: Program.root.appending(path: "launch"), to: root.appending(path: "launch"))
    let note = #"for word; do printf '<%s>' "$word"; done >>"\#(folder.file("noted").path)""#
    let metrics = #"{"step":1,"epoch":1,"step_time":1}\n{"step":2,"epoch":2,"step_time":1}\n"#
    try standIn(
      "mpirun",
      note + "\n" + #"while [ $# -gt 1 ]; do [ "$1" != --output-dir ] || out=$2; shift; done"#
        + "\n" + #"mkdir -p "$out"; printf '\#(metrics)' >"$out/metrics.jsonl""#)
    try standIn("swift", "exit 0")
    try standIn("dpkg-query", "echo install ok installed")
    try standIn("peqa", note + #"; case " $* " in *" --json "*) echo "{}";; esac"#)
    try FileManager.default.copyItem(
      at: folder.file("peqa"), to: binaries.appending(path: "peqa"))
    try folder.write(#"{"prompt": "--help me", "completion": "x"}"# + "\n", to: "it's.jsonl")
    let data = folder.file("it's.jsonl").path
    _ = try run(
      root.appending(path: "launch/quickstart").path,
      ["--model", "/m", "--data", data, "--out", folder.file("result").path],
      ["PEQA": binaries.appending(path: "peqa").path])
    let noted = try String(contentsOf: folder.file("noted"), encoding: .utf8)
    let quoted = data.replacing("'", with: "''")
    #expect(noted.contains("<datasets=[{path: '\(quoted)'}]>"))
    #expect(noted.contains("<--chat=--help me>"))
    // Two sequences in all, so one step of 8 is more than the two epochs.
    #expect(noted.contains("<--max-steps><1>"))
  }

  /// Three minutes of training, whatever the machine: half a second for a sequence gives 2 s a step
  /// of 8 sequences on two ranks and 90 steps, 360 sequences in each of two epochs.
  @Test(arguments: [
    (0.5, true, "3600"), (0.001, true, "4000"), (1000, true, "100"), (0.5, false, "25"),
    (10, false, "8"),
  ])
  func theQuickstartFitsTheMachine(seconds: Double, chats: Bool, expected: String) throws {
    // 1000 chats in 100 sequences, two ranks: step 3 is at epoch 0.06.
    let records = (1...3).map { step in
      #"{"step":\#(step),"epoch":\#(0.02 * Double(step)),"step_time":\#(step == 1 ? 99 : seconds)}"#
    }
    try folder.write(records.joined(separator: "\n") + "\n", to: "metrics.jsonl")
    try folder.write(String(repeating: "{}\n", count: 1000), to: "chats")
    let ran = try run(
      launch("steps/choose-size"),
      [folder.url.path, "2", "3"] + (chats ? [folder.file("chats").path] : []))
    #expect(ran.standardOutput == expected + "\n")
    #expect(ran.standardError.contains("s here: \(expected) "))
  }
}
