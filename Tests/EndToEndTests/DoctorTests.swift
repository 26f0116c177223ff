import Foundation
import JSONText
import TestSupport
import Testing

/// `peqa doctor` on this machine, with faults that a process can have here.
@Suite struct DoctorTests {
  let folder: TemporaryFolder
  let runFile: String

  init() throws {
    folder = try TemporaryFolder()
    try folder.write("text", to: "text.txt")
    try folder.write(
      """
      model: \(Program.base)
      datasets: [{path: text.txt, type: text}]
      max_seq_length: 32
      output_dir: run
      """, to: "run.yaml")
    runFile = folder.file("run.yaml").path
  }

  private func findings(
    _ arguments: [String] = [], ranks: Int? = nil, environment: [String: String] = [:],
    code: Int32 = 0
  ) throws -> [JSONValue] {
    let ran = try Program.run(
      ["doctor", "--json"] + arguments, ranks: ranks, environment: environment)
    #expect(ran.status == code, "\(ran.standardOutput) \(ran.standardError)")
    let json = try JSONValue(parsing: Array(ran.standardOutput.utf8))
    return try #require(json["findings"]?.array)
  }

  private func faults(_ findings: [JSONValue]) -> [String] {
    findings.filter { $0["level"]?.string != "ok" }.compactMap { $0["check"]?.string }
  }

  @Test(arguments: [nil, 2]) func aSoundMachine(ranks: Int?) throws {
    let found = try findings([runFile], ranks: ranks)
    // More ranks than CPUs are worth a warning.
    let crowded = ranks ?? 1 > ProcessInfo.processInfo.activeProcessorCount
    #expect(faults(found) == (crowded ? ["threads"] : []), "\(found)")
    let checks = Set(found.compactMap { $0["check"]?.string })
    #expect(checks.isSuperset(of: ["launcher", "folder", "disk", "memory", "kernels", "base"]))
    #expect(checks.contains("ring") == (ranks == 2))
    // Nothing is made, nothing stays.
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.url.path)
    #expect(names.sorted() == ["run.yaml", "text.txt"])
  }

  @Test func threadsOnOneCPU() throws {
    let ran = try Program.run(
      program: "/usr/bin/taskset", ["-c", "0", Program.peqa, "doctor"],
      environment: ["PEQA_NUM_THREADS": "3"])
    #expect(ran.status == 0, "a warning is no error")
    let text = ran.standardOutput
    #expect(
      text.contains("warning  threads   3 threads (PEQA_NUM_THREADS) may use 1 CPU"), "\(text)")
  }

  /// What srun without PMIx and a foreign mpirun look like.
  @Test func launcherThatMPIDoesNotSee() throws {
    let environment = ["OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "0"]
    #expect(faults(try findings(environment: environment, code: 69)) == ["launcher"])
    let slurm = ["SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "0"]
    #expect(faults(try findings(environment: slurm, code: 69)) == ["launcher"])
  }

  @Test func faultsOfTheRun() throws {
    // Not even root can make files there.
    #expect(faults(try findings([runFile, "--set", "output_dir=/proc/x"], code: 74)) == ["folder"])
    #expect(faults(try findings([runFile, "--set", "model=/nonexistent"], code: 66)) == ["base"])
  }

  @Test func kernelsThatAreNotThere() throws {
    let found = try findings(environment: ["PEQA_KERNELS": "bogus"], code: 78)
    #expect(faults(found) == ["kernels"])
    // With a run file as well, and where it asks for products that the kernels do not have.
    for (kernels, dtype) in [("bogus", "auto"), ("scalar", "bf16")] {
      let found = try findings(
        [runFile, "--set", "dtype=\(dtype)"], environment: ["PEQA_KERNELS": kernels], code: 78)
      #expect(faults(found).contains("kernels") && found.count > 5)
    }
  }

  @Test func kernelsThatDifferBetweenRanks() throws {
    let ran = try Program.run(
      program: Program.mpirun,
      [
        "-np", "1", "-x", "PEQA_KERNELS=\(Program.otherKernels)", Program.peqa, "doctor", ":",
        "-np", "1",
        Program.peqa, "doctor",
      ], environment: ["PEQA_NUM_THREADS": "1"])
    let text = ran.standardOutput
    #expect(ran.status == 78)
    #expect(
      text.contains("error    kernels   kernels: \(Program.otherKernels) fp32 int8 on rank 0"),
      "\(text)"
    )
  }

  /// A file system of 64 KB, which not every machine lets a test mount.
  @Test func tinyDisk() throws {
    let mount = folder.file("tiny").path
    try FileManager.default.createDirectory(atPath: mount, withIntermediateDirectories: true)
    func call(_ program: String, _ arguments: [String]) -> Bool {
      (try? Program.run(program: program, arguments))?.status == 0
    }
    guard call("/usr/bin/mount", ["-t", "tmpfs", "-o", "size=80k", "tmpfs", mount]) else {
      return
    }
    defer { _ = call("/usr/bin/umount", [mount]) }
    let found = try findings([runFile, "--set", "output_dir=\(mount)/run"], code: 78)
    #expect(faults(found) == ["disk"])
    _ = call("/usr/bin/mount", ["-o", "remount,ro", mount])
    let readOnly = try findings([runFile, "--set", "output_dir=\(mount)/run"], code: 77)
    #expect(faults(readOnly) == ["folder"])
  }
}
