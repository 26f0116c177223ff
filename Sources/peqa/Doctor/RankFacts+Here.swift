internal import ClusterDiagnosis
internal import Collectives
internal import Foundation
internal import JSONText
internal import Kernels
internal import Machine
internal import Training

extension RankFacts {
  /// Variables that decide how Open MPI reaches other hosts.
  private static let variables = [
    "OMPI_MCA_btl_tcp_if_include", "OMPI_MCA_btl_tcp_if_exclude",
    "OMPI_MCA_oob_tcp_keepalive_time", "PEQA_KERNELS", "PEQA_NUM_THREADS",
  ]

  /// What this process sees without asking other ranks.
  init(
    _ rank: RankContext, threads: Int = 0, dtype: ComputeType = .auto,
    deterministic: Determinism = .strict
  ) {
    let environment = ProcessInfo.processInfo.environment
    self.init()
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
      let isPortable = deterministic == .portable
      kernels = Compute.numerics(
        set, try KernelChoice.arithmetic(dtype, isPortable: isPortable), isPortable: isPortable)
    } catch {
      kernelFault = "\(error)"
    }
    peqa = "peqa \(Version.numberAndCommit)"
    mpi = Communicator.mpiVersion
    blas = "\(BLAS.version) (\(BLAS.coreName) kernels)"
  }
}
