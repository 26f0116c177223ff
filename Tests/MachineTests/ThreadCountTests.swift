import Foundation
import Machine
import Testing

@Suite struct ThreadCountTests {
  private func resolve(
    _ environment: [String: String] = [:], inMask: Int = 8, quota: Double? = nil, online: Int = 8,
    sharing: Int = 1, onNode: Int = 1
  ) -> ThreadCount {
    .resolve(
      environment: environment,
      cpus: AllowedCPUs(mask: "", inMask: inMask, quota: quota, online: online),
      ranksSharingMask: sharing, ranksOnNode: onNode)
  }

  @Test func variablesComeInOrder() {
    var environment = ["SLURM_CPUS_PER_TASK": "4"]
    #expect(resolve(environment).count == 4)
    environment["OMP_NUM_THREADS"] = "3,2"
    #expect(resolve(environment).count == 3)
    environment["PEQA_NUM_THREADS"] = "2"
    #expect(resolve(environment).count == 2)
    #expect(resolve(environment).source == "PEQA_NUM_THREADS")
    #expect(resolve(environment).warnings.isEmpty)
  }

  @Test(arguments: ["0", "-1", "many", "1e9", "99999999999999999999", ",", "5000"])
  func nonsenseIsIgnoredAloud(text: String) {
    let threads = resolve(["PEQA_NUM_THREADS": text])
    #expect(threads.count == 8)
    #expect(threads.warnings.count == 1)
    #expect(threads.warnings[0].contains("PEQA_NUM_THREADS=\(text)"))
  }

  @Test func ranksShareWhatTheyShare() {
    #expect(resolve(sharing: 2, onNode: 2).count == 4)
    #expect(resolve(inMask: 4, sharing: 1, onNode: 2).count == 4, "each bound to its own four")
    #expect(resolve(sharing: 3, onNode: 3).count == 2)
    #expect(resolve(inMask: 2, online: 2, sharing: 5, onNode: 5).count == 1)
    #expect(resolve(quota: 3, onNode: 1).count == 3)
    #expect(resolve(quota: 3, onNode: 1).source == "CPU quota")
    #expect(resolve(quota: 1.5, sharing: 2, onNode: 2).count == 1)
    #expect(resolve(quota: 2.5, onNode: 1).count == 3)
    #expect(resolve(quota: 64, onNode: 1).count == 8)
  }

  @Test func crowdingAndIdlingAreReported() {
    let crowded = resolve(["OMP_NUM_THREADS": "8"], inMask: 1, sharing: 1, onNode: 2)
    #expect(crowded.count == 8)
    #expect(crowded.warnings.count == 1)
    #expect(crowded.warnings.first?.contains("--bind-to none") == true)
    let bound = resolve(["OMPI_COMM_WORLD_SIZE": "2"], inMask: 1, sharing: 1, onNode: 2)
    #expect(bound.count == 1)
    #expect(bound.warnings.first?.contains("2 of 8 CPUs") == true)
    let job = ["OMPI_COMM_WORLD_SIZE": "2", "SLURM_JOB_ID": "1"]
    #expect(resolve(job, inMask: 1, sharing: 1, onNode: 2).warnings.isEmpty)
  }

  @Test(
    arguments: [
      ("0", 1), ("0-3", 4), ("0-3,8", 5), ("0,2,4-5", 4), ("", nil), ("3-1", nil), ("a", nil),
      ("1-2-3", nil), ("-1", nil), ("0-99999999999", nil), ("0,", nil),
    ] as [(String, Int?)])
  func countsCPULists(list: String, count: Int?) {
    #expect(AllowedCPUs.count(inList: list) == count)
  }

  /// A made-up system: group /a/b has 3 CPUs, /a around it 1.5, the first version's group 2.
  @Test func readsMaskAndTheTightestQuota() throws {
    let root = NSTemporaryDirectory() + "peqa-cpus-\(getpid())"
    defer { try? FileManager.default.removeItem(atPath: root) }
    func write(_ path: String, _ text: String) throws {
      let url = URL(fileURLWithPath: root + "/" + path)
      try FileManager.default.createDirectory(
        at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      try text.write(to: url, atomically: true, encoding: .utf8)
    }
    try write("proc/self/status", "Name:\tx\nCpus_allowed:\tff\nCpus_allowed_list:\t0-3,8\n")
    try write("proc/self/cgroup", "4:cpu,cpuacct:/job\n1:memory:/m\n0::/a/b\n")
    try write("sys/fs/cgroup/a/b/cpu.max", "300000 100000\n")
    #expect(AllowedCPUs(root: root).quota == 3)
    try write("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "200000\n")
    try write("sys/fs/cgroup/cpu/job/cpu.cfs_period_us", "100000\n")
    #expect(AllowedCPUs(root: root).quota == 2)
    try write("sys/fs/cgroup/a/cpu.max", "150000 100000\n")
    try write("sys/fs/cgroup/cpu.max", "max 100000\n")
    let cpus = AllowedCPUs(root: root)
    #expect(cpus.quota == 1.5)
    #expect((cpus.mask, cpus.inMask) == ("0-3,8", 5))
    try write("sys/fs/cgroup/cpu/job/cpu.cfs_quota_us", "-1\n")
    try write("sys/fs/cgroup/a/cpu.max", "max 100000\n")
    try write("sys/fs/cgroup/a/b/cpu.max", "garbage\n")
    #expect(AllowedCPUs(root: root).quota == nil)
  }
}
