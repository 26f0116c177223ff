import ClusterDiagnosis
import JSONText
import Testing

/// Clusters with one fault each, written down as the facts of their ranks.
@Suite struct DiagnosisTests {
  /// Two hosts with two ranks each, all well.
  private static func cluster() -> [RankFacts] {
    (0..<4).map { rank in
      var facts = RankFacts()
      facts.rank = rank
      facts.host = "node\(rank / 2 + 1)"
      (facts.mask, facts.cpusInMask, facts.cpusOnline) = (
        "\(rank % 2 * 4)-\(rank % 2 * 4 + 3)", 4, 8
      )
      (facts.threads, facts.threadSource) = (4, "allowed CPUs")
      facts.isBelowMPIRun = true
      facts.environment = ["OMPI_MCA_oob_tcp_keepalive_time": "20"]
      facts.interfaces = [
        .init(name: "lo", address: "127.0.0.1", prefixLength: 8),
        .init(name: "eth0", address: "10.0.0.\(rank / 2 + 1)", prefixLength: 24),
      ]
      facts.clock = [1000, 1001, 1002].map { $0 + Double(rank) * 1e-4 }
      facts.ring = .init(latency: 2e-5, bytesPerSecond: rank % 2 == 0 ? 1.1e8 : 4e9)
      (facts.freeMemory, facts.freeSharedMemory) = (64_000_000_000, 8_000_000_000)
      facts.folder = .init()
      facts.folder?.path = "/shared/run"
      facts.folder?.looks = 100
      facts.folder?.freeBytes = 100_000_000_000
      facts.base = .init()
      facts.base?.path = "/shared/base"
      facts.base?.digest = "ab12"
      facts.base?.bytes = 4_000_000_000
      (facts.kernels, facts.peqa, facts.mpi) = ("avx512 fp32", "peqa 1", "Open MPI v4.1.4")
      facts.blas = "OpenBLAS 0.3.21"
      return facts
    }
  }

  private static let needs = Diagnosis.RunNeeds(
    baseBytes: 4_000_000_000, privateBytes: 2_000_000_000, checkpointBytes: 20_000_000,
    checkpoints: 3, mayStream: true)

  struct Seed: Sendable, CustomTestStringConvertible {
    var name: String
    var check: Finding.Check
    var level: Finding.Level
    var code: Int32 = 0
    /// In what is found, its location or its remedy.
    var says: [String]
    var spoil: @Sendable (inout [RankFacts]) -> Void
    var testDescription: String { name }
  }

  static let seeds: [Seed] = [
    Seed(
      name: "bound to one core", check: .threads, level: .warning,
      says: ["rank 2 on node2", "--bind-to none"]
    ) { ($0[2].mask, $0[2].cpusInMask) = ("0", 1) },
    Seed(
      name: "ranks on the same cores", check: .threads, level: .warning,
      says: ["node2", "2 ranks with 8 threads", "PEQA_NUM_THREADS"]
    ) { $0[3].mask = $0[2].mask },
    Seed(
      name: "most cores idle", check: .threads, level: .warning, says: ["2 of 8", "--bind-to"]
    ) { for i in 0..<2 { ($0[i].cpusInMask, $0[i].threads) = (1, 1) } },
    Seed(
      name: "a bridge of containers", check: .network, level: .warning,
      says: ["docker0", "172.17.0.1", "node1, node2", "btl_tcp_if_include 10.0.0.0/24"]
    ) { ranks in
      for i in ranks.indices {
        ranks[i].interfaces.append(.init(name: "docker0", address: "172.17.0.1", prefixLength: 16))
      }
    },
    Seed(
      name: "no network in common", check: .network, level: .warning,
      says: ["no network in common", "node2"]
    ) { for i in 2..<4 { $0[i].interfaces[1].address = "10.9.0.2" } },
    Seed(
      name: "no signs of life", check: .network, level: .warning,
      says: ["UDP", "rank 3 on node2"]
    ) { $0[0].unheard = [3] },
    Seed(
      name: "a cut would not be noticed", check: .launcher, level: .warning,
      says: ["8 minutes", "keepalive"]
    ) { for i in $0.indices { $0[i].environment = [:] } },
    Seed(
      name: "started without srun", check: .launcher, level: .warning,
      says: ["4 tasks", "srun --mpi=pmix"]
    ) {
      $0 = [$0[0]]
      $0[0].idleTasks = 4
      $0[0].isBelowMPIRun = false
    },
    Seed(
      name: "a clock behind", check: .clock, level: .warning,
      says: ["30.0 s behind node1", "rank 2 on node2, rank 3 on node2", "chrony"]
    ) { for i in 2..<4 { $0[i].clock = $0[i].clock.map { $0 - 30 } } },
    Seed(
      name: "output folder is local", check: .folder, level: .error, code: 78,
      says: ["not seen", "rank 2 on node2", "share"]
    ) { $0[2].folder?.isSeen = false },
    Seed(
      name: "renames are not atomic", check: .folder, level: .warning,
      says: ["7 of 100", "rank 3 on node2"]
    ) { $0[3].folder?.tornLooks = 7 },
    Seed(
      name: "output folder is read-only", check: .folder, level: .error, code: 77,
      says: ["Read-only", "output_dir"]
    ) {
      $0[0].folder?.fault = "Read-only file system"
      $0[0].folder?.faultCode = 77
    },
    Seed(
      name: "disk is full", check: .disk, level: .error, code: 78,
      says: ["a checkpoint takes 20.0 MB"]
    ) { $0[0].folder?.freeBytes = 19_000_000 },
    Seed(
      name: "disk is nearly full", check: .disk, level: .warning,
      says: ["60.0 MB", "save_total_limit"]
    ) { $0[0].folder?.freeBytes = 59_000_000 },
    // 2 ranks x 2 GB; a twentieth of what is free stays so.
    Seed(
      name: "ranks do not fit", check: .memory, level: .error, code: 78,
      says: ["4.00 GB", "node2", "peqa plan"]
    ) { $0[3].freeMemory = 4_200_000_000 },
    Seed(
      name: "base does not fit", check: .memory, level: .warning,
      says: ["read from disk in each step", "node2"]
    ) { $0[2].freeMemory = 8_400_000_000 },
    Seed(
      name: "/dev/shm is small", check: .memory, level: .warning, says: ["/dev/shm", "shm-size"]
    ) { $0[1].freeSharedMemory = 20_000_000 },
    Seed(
      name: "another CPU", check: .kernels, level: .error, code: 78,
      says: ["avx2 fp32 on rank 3", "deterministic: portable"]
    ) { $0[3].kernels = "avx2 fp32" },
    Seed(
      name: "kernels that the CPU has not", check: .kernels, level: .error, code: 78,
      says: ["no such kernels", "rank 1 on node1"]
    ) { $0[1].kernelFault = "no such kernels" },
    Seed(
      name: "another Open MPI", check: .versions, level: .error, code: 69,
      says: ["Open MPI v5.0.1", "2 of 4 ranks"]
    ) { for i in 2..<4 { $0[i].mpi = "Open MPI v5.0.1" } },
    Seed(
      name: "another peqa", check: .versions, level: .error, code: 69,
      says: ["peqa 2", "rank 2 on node2"]
    ) { $0[2].peqa = "peqa 2" },
    Seed(
      name: "another BLAS", check: .versions, level: .warning, says: ["OPENBLAS_CORETYPE"]
    ) { $0[3].blas = "OpenBLAS 0.3.26" },
    Seed(
      name: "another base", check: .base, level: .error, code: 65,
      says: ["ab12", "cd34", "copy"]
    ) { $0[2].base?.digest = "cd34" },
    Seed(
      name: "no base on a host", check: .base, level: .error, code: 66,
      says: ["missing", "rank 2 on node2, rank 3 on node2", "all hosts"]
    ) {
      for i in 2..<4 {
        $0[i].base?.fault = "is missing"
        $0[i].base?.faultCode = 66
      }
    },
    Seed(
      name: "a slow link", check: .ring, level: .warning,
      says: ["0.08 Gbit/s", "rank 1 on node1 to rank 2 on node2", "ethtool"]
    ) { $0[2].ring?.bytesPerSecond = 1e7 },
  ]

  @Test(arguments: seeds) func isFound(seed: Seed) throws {
    var ranks = Self.cluster()
    seed.spoil(&ranks)
    let findings = Diagnosis(ranks, needs: Self.needs).findings.filter { $0.level != .ok }
    #expect(findings.count == 1, "\(findings)")
    let finding = try #require(findings.first)
    #expect(finding.check == seed.check && finding.level == seed.level)
    #expect(finding.exitCode == seed.code)
    #expect(!finding.remedy.isEmpty)
    let text = "\(finding.what) | \(finding.location) | \(finding.remedy)"
    for part in seed.says { #expect(text.contains(part), "\(text)") }
  }

  @Test func aSoundClusterIsSound() {
    let findings = Diagnosis(Self.cluster(), needs: Self.needs).findings
    #expect(findings.allSatisfy { $0.level == .ok }, "\(findings)")
    #expect(Set(findings.map(\.check)) == Set(Finding.Check.allCases))
  }

  /// Open MPI does not use what it was told to leave out.
  @Test(arguments: [
    ["OMPI_MCA_btl_tcp_if_include": "10.0.0.0/24"], ["OMPI_MCA_btl_tcp_if_include": "eth0"],
    ["OMPI_MCA_btl_tcp_if_exclude": "lo,docker0"],
    ["OMPI_MCA_btl_tcp_if_exclude": "127.0.0.0/8,172.17.0.0/16"],
  ])
  func aBridgeThatIsLeftOutDoesNoHarm(environment: [String: String]) {
    var ranks = Self.cluster()
    for i in ranks.indices {
      ranks[i].interfaces.append(.init(name: "docker0", address: "172.17.0.1", prefixLength: 16))
      ranks[i].environment.merge(environment) { $1 }
    }
    #expect(Diagnosis(ranks).findings.allSatisfy { $0.level == .ok })
  }

  /// One rank that notices a barrier late is no clock that is off.
  @Test func oneLateBarrierIsNoSkew() {
    var ranks = Self.cluster()
    ranks[2].clock[1] += 5
    #expect(Diagnosis(ranks).findings.allSatisfy { $0.level == .ok })
  }

  @Test func factsTravelWhole() throws {
    var facts = Self.cluster()[3]
    facts.idleTasks = 3
    facts.unheard = [1, 2]
    facts.kernelFault = "none"
    facts.folder?.fault = "x"
    facts.base?.fault = "y \"z\""
    let text = facts.json.text()
    #expect(RankFacts(try JSONValue(parsing: Array(text.utf8))) == facts)
    #expect(RankFacts(try JSONValue(parsing: Array(RankFacts().json.text().utf8))) == RankFacts())
  }
}
