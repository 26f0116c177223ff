internal import Collectives
internal import Foundation
internal import JSONText
internal import Kernels
internal import Training

extension RankFacts {
  /// Variables that decide how Open MPI reaches other hosts.
  private static let variables = [
    "OMPI_MCA_btl_tcp_if_include", "OMPI_MCA_btl_tcp_if_exclude",
    "OMPI_MCA_oob_tcp_keepalive_time", "PEQA_KERNELS", "PEQA_NUM_THREADS",
  ]

  /// What this process sees without asking other ranks.
  init(_ rank: RankContext, threads: Int = 0, dtype: ComputeType = .auto) {
    let environment = ProcessInfo.processInfo.environment
    let (communicator, cpus) = (rank.communicator, AllowedCPUs())
    self.rank = communicator.rank
    host = communicator.hostName
    idleTasks = Launcher().idleTasks
    for name in Self.variables { self.environment[name] = environment[name] }
    (mask, cpusInMask, cpusOnline) = (cpus.mask, cpus.inMask, cpus.online)
    self.threads = threads > 0 ? threads : rank.threads.count
    threadSource = threads > 0 ? "threads" : rank.threads.source
    isBelowMPIRun = environment["OMPI_COMM_WORLD_SIZE"] != nil && environment["SLURM_JOB_ID"] == nil
    interfaces = NetworkInterface.current().map {
      Interface(name: $0.name, address: $0.address, prefixLength: $0.prefixLength)
    }
    freeMemory = NodeMemory.available()
    freeSharedMemory = Self.freeBytes(of: "/dev/shm")
    do {
      let set = try KernelChoice.instructionSet()
      let precision = dtype == .fp32 || !set.hasNativeBF16 ? Precision.fp32 : .bf16
      kernels = "\(set.rawValue) \(precision.rawValue)"
    } catch {
      kernelFault = "\(error)"
    }
    peqa = "peqa \(Version.numberAndCommit)"
    mpi = Communicator.mpiVersion
    blas = "\(BLAS.version) (\(BLAS.coreName) kernels)"
  }

  /// What needs all ranks: clocks, links, signs of life.
  mutating func measure(_ communicator: Communicator, bytes: Int) throws {
    guard communicator.size > 1 else { return }
    for _ in 0..<5 {
      try communicator.barrier()
      clock.append(Date().timeIntervalSince1970)
    }
    ring = try communicator.measureRing(bytes: bytes).map {
      Ring(latency: $0.latency, bytesPerSecond: $0.bytesPerSecond)
    }
  }

  /// Bytes that this user may still write below `path`; nil where the system does not tell.
  static func freeBytes(of path: String) -> Int? {
    var info = statvfs()
    guard statvfs(path, &info) == 0 else { return nil }
    let (bytes, overflow) = Int(info.f_bavail).multipliedReportingOverflow(by: Int(info.f_frsize))
    return overflow ? nil : bytes
  }

  /// The facts of all ranks, on all of them.
  func gathered(_ communicator: Communicator) throws -> [RankFacts] {
    try communicator.allGather(Array(json.text().utf8)).map {
      RankFacts(try JSONValue(parsing: $0))
    }
  }
}
