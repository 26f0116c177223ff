internal import CMPI
internal import Foundation

/// All processes of one run; each has a rank in `0 ..< size`.
///
/// Without a launcher this is rank 0 of 1 and MPI is never called: every collective is then the
/// identity. Every collective must be called by all ranks in the same order, and by one thread at a
/// time. None blocks for ever: each is started without blocking and polled, because MPI itself
/// never notices a rank that hangs or a network that is cut. While it waits, a rank listens to the
/// others' signs of life (`Heartbeats`): one that computes is waited for, one that is silent for
/// `timeout` ends the run.
package final class Communicator {
  package let rank: Int
  package let size: Int
  package let hostName: String
  /// How many ranks share this node, this one included.
  package let ranksOnNode: Int
  /// This rank's number among those of its node.
  package let nodeRank: Int
  package private(set) var nodeCount = 1
  /// Version text of the MPI library; nil where MPI is not in use.
  package let libraryVersion: String?
  /// Seconds that another rank may be silent, or may do nothing, before a collective throws
  /// `.timedOut`.
  package var timeout: Double = 120 {
    didSet { heartbeats?.setInterval(interval) }
  }
  /// Seconds to wait for a rank whose signs of life do not come through at all. Nil: `timeout`.
  package var blindTimeout: Double?
  /// Asked while waiting: an exit code ends the wait, with `.interrupted`.
  package var interruption: () -> Int32? = { nil }
  /// What this rank has exchanged so far.
  package internal(set) var traffic = Traffic()

  /// What collectives speak over; nil: alone, without MPI.
  private(set) var channel: MPI_Comm?
  /// The same ranks, for exit codes: these must never meet a collective of the work.
  private let endings: MPI_Comm?
  /// Nil: alone.
  private(set) var heartbeats: Heartbeats?
  /// Seconds that a collective may take at all.
  var patience = Double.infinity
  /// Hosts of all ranks; empty when alone.
  private var hostNames: [String] = []
  /// The present round of claims as the caller and as the ranks number it, and how many claims of
  /// it this rank has made.
  var claims = (label: Int.min, round: -1, count: 0)
  /// One reduction call carries at most this many values: bounds the copy that MPI makes (32 MiB).
  package var valuesPerCall = 1 << 22
  /// Sums of which each rank's share has at least so many bytes go round in a ring (`ringSum`)
  /// instead of MPI's all-reduce; several hosts only, as within a host nothing is gained.
  package var leastRingShare = Int.max
  /// A ring is cut into lanes whose messages have about so many bytes, and at most `mostLanes`.
  package var bytesPerTurn = 1 << 18
  package var mostLanes = 16
  /// One broadcast call carries at most this many bytes.
  package var bytesPerCall = 1 << 26

  private init(alone hostName: String) {
    self.hostName = hostName
    (rank, size, ranksOnNode, nodeRank) = (0, 1, 1, 0)
    (libraryVersion, channel, endings) = (nil, nil, nil)
  }

  private init(world: MPI_Comm, hostName: String, launcher: Launcher) throws(CommunicatorError) {
    try check(peqa_mpi_return_errors(world), "MPI_Comm_set_errhandler")
    (rank, size) = try place(in: world)
    try launcher.check(actualSize: size)
    var node: MPI_Comm?
    try check(peqa_mpi_split_by_node(world, &node), "MPI_Comm_split_type")
    var endings: MPI_Comm?
    try check(peqa_mpi_duplicate(world, &endings), "MPI_Comm_dup")
    guard let node, let endings else {
      throw .callFailed(call: "MPI_Comm_dup", text: "it made no communicator")
    }
    (nodeRank, ranksOnNode) = try place(in: node)
    libraryVersion = Self.mpiVersion
    channel = world
    self.endings = endings
    self.hostName = hostName
    // Every node has exactly one rank that is the first on it.
    nodeCount = Int(try allReduceSum(nodeRank == 0 ? 1 : 0))
    if nodeCount > 1 { leastRingShare = Self.usualRingShare }
    if size > 1 { try startHeartbeats() }
    traffic = Traffic()
  }

  /// Tells all ranks how to reach this one, gets rank 0's key, and starts to listen.
  private func startHeartbeats() throws(CommunicatorError) {
    let socket = DatagramSocket(onlyThisHost: nodeCount == 1)
    let addresses = nodeCount == 1 ? [DatagramAddress.loopback] : DatagramSocket.ownAddresses()
    let own = Endpoint(hostName: hostName, port: socket?.port ?? 0, addresses: addresses)
    let endpoints = try allGather(own.announcement).map(Endpoint.init(announcement:))
    guard let key = DatagramKey(bytes: try broadcast(rank == 0 ? DatagramKey().bytes : [])) else {
      throw .callFailed(call: "MPI_Ibcast", text: "the key of the run came incomplete")
    }
    heartbeats = Heartbeats(key: key, rank: rank, endpoints: endpoints, socket: socket)
    heartbeats?.setInterval(interval)
    hostNames = endpoints.map(\.hostName)
  }

  /// `rank 2 on node7`.
  package func name(ofRank rank: Int) -> String {
    let host = hostNames.indices.contains(rank) ? hostNames[rank] : hostName
    return "rank \(rank) on \(host)"
  }

  /// A turn of the ring costs about 100 us whatever it carries (a nap while waiting and the
  /// network's latency), and there are 2 (P-1) of them. 64 KiB take 50 us at 10 Gbit/s and 500 us
  /// at 1 Gbit/s, and MPI's all-reduce takes twice the bare transfer: with smaller shares the turns
  /// cost more than the ring saves.
  private static let usualRingShare = 1 << 16

  private var interval: Double { min(1, max(0.02, timeout / 8)) }

  /// Joins the other processes of this run, if a launcher started several. Once a process.
  ///
  /// - Throws: `.launcherMismatch` or `.noProcessManager` where they cannot see each other.
  package static func start(
    launcher: Launcher = Launcher()
  ) throws(CommunicatorError) -> Communicator {
    try launcher.checkBeforeStart()
    let hostName = ProcessInfo.processInfo.hostName
    guard launcher.kind == .processManager else { return Communicator(alone: hostName) }
    var isStarted: Int32 = 0
    try check(MPI_Initialized(&isStarted), "MPI_Initialized")
    guard isStarted == 0 else { throw .alreadyStarted }
    // Probing for fabrics takes 0.2 s of every start, and the ranks of one node need none. Over
    // several nodes the choice is the cluster's: ranks that chose differently could not speak to
    // each other.
    if launcher.isOneNode { setenv("OMPI_MCA_pml", "ob1", 0) }
    // These calls block, and a rank that never comes would keep the others in them for ever.
    let deadline = ProcessDeadline(
      seconds: startLimit, code: 69,
      text: "rank \(launcher.rank) on \(hostName): MPI has not started for \(Int(startLimit)) s. "
        + "Another rank did not come up, or the network between the hosts is cut.")
    defer { deadline.meet() }
    var provided: Int32 = 0
    try check(peqa_mpi_init(peqa_mpi_thread_serialized(), &provided), "MPI_Init_thread")
    guard provided >= peqa_mpi_thread_serialized() else { throw .threadLevel }
    return try Communicator(
      world: peqa_mpi_comm_world(), hostName: hostName, launcher: launcher)
  }

  /// Seconds until all ranks must be up.
  private static let startLimit = 300.0

  /// Tells all ranks how this one has ended, and returns what each of them says, in rank order.
  ///
  /// Every rank calls it when it has ended, well or not, and after it nothing but `finish`, `abort`
  /// or `leaveUnfinished`. It has a channel of its own: a rank that is here cannot be mistaken for
  /// one that takes part in a collective of the work.
  ///
  /// - Parameter patience: seconds to wait for the others.
  /// - Throws: `.timedOut` where another rank is still at work and knows nothing of this one.
  package func exchangeExits(
    _ exit: [UInt8], patience: Double
  ) throws(CommunicatorError) -> [[UInt8]] {
    (channel, self.patience) = (endings, patience)
    beginPhase("end")
    return try allGather(exit)
  }

  /// Leaves MPI; all ranks must call it, and no collective after it.
  package func finish() throws(CommunicatorError) {
    guard channel != nil else { return }
    let deadline = ProcessDeadline(
      seconds: timeout, code: 75,
      text: "rank \(rank) on \(hostName): leaving MPI has not ended for \(Int(timeout)) s.")
    try check(MPI_Finalize(), "MPI_Finalize")
    deadline.meet()
    heartbeats?.stop()
  }

  /// Ends all ranks at once with `code`: for an error that the others do not know of.
  package func abort(_ code: Int32) -> Never {
    if let channel { MPI_Abort(channel, code) }
    exit(code)
  }

  /// Ends this process without a word to MPI: the only way out after `.timedOut`. The launcher then
  /// ends the other ranks, and returns `code`.
  ///
  /// - Parameter delay: seconds to leave the word to another rank. A TERM that the launcher sends
  ///   meanwhile does not change the code.
  package func leaveUnfinished(_ code: Int32, after delay: Double = 0) -> Never {
    fflush(nil)
    if delay > 0 {
      for name in [SIGTERM, SIGALRM] { signal(name, SIG_IGN) }
      usleep(UInt32(delay * 1e6))
    }
    _exit(code)
  }
}

extension Communicator {
  /// Name and version of the MPI library; may be asked before and without `start`.
  package static var mpiVersion: String {
    let capacity = peqa_mpi_max_library_version_string()
    let whole = text(capacity: capacity) { MPI_Get_library_version($0, $1) } ?? "unknown"
    return String(whole.prefix { $0 != "," && $0 != "\n" })
  }
}

/// Throws unless an MPI call succeeded.
func check(_ code: Int32, _ call: String) throws(CommunicatorError) {
  guard code != peqa_mpi_success() else { return }
  let text = text(capacity: peqa_mpi_max_error_string()) { MPI_Error_string(code, $0, $1) }
  throw .callFailed(call: call, text: text ?? "error code \(code)")
}

private func place(in comm: MPI_Comm) throws(CommunicatorError) -> (rank: Int, size: Int) {
  var (rank, size): (Int32, Int32) = (0, 0)
  try check(MPI_Comm_rank(comm, &rank), "MPI_Comm_rank")
  try check(MPI_Comm_size(comm, &size), "MPI_Comm_size")
  return (Int(rank), Int(size))
}

/// The text that an MPI call writes into a buffer; nil where the call fails.
private func text(
  capacity: Int32, _ call: (UnsafeMutablePointer<CChar>, UnsafeMutablePointer<Int32>) -> Int32
) -> String? {
  var length: Int32 = 0
  var buffer = [CChar](repeating: 0, count: Int(capacity) + 1)
  let code = buffer.withUnsafeMutableBufferPointer { bytes in
    bytes.baseAddress.map { call($0, &length) }
  }
  guard code == peqa_mpi_success() else { return nil }
  return String(decoding: buffer.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
