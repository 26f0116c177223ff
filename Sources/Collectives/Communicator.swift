internal import CMPI
internal import Foundation

/// All processes of one run; each has a rank in `0 ..< size`.
///
/// Without a launcher this is rank 0 of 1 and MPI is never called: every collective is then the
/// identity. Every collective must be called by all ranks in the same order, and by one thread at a
/// time. None blocks for ever: each is started without blocking and polled until `timeout`, because
/// MPI itself never notices a rank that hangs or a network that is cut.
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
  /// Seconds without progress after which a collective throws `.timedOut`.
  package var timeout: Double = 600
  /// What this rank has exchanged so far.
  package internal(set) var traffic = Traffic()

  /// What collectives speak over; nil: alone, without MPI.
  private(set) var channel: MPI_Comm?
  /// The same ranks, for last words: these must never meet a collective of the work.
  private let endings: MPI_Comm?
  /// One reduction call carries at most this many values: bounds the copy that MPI makes (32 MiB).
  package var valuesPerCall = 1 << 22
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
    traffic = Traffic()
  }

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
    var provided: Int32 = 0
    try check(peqa_mpi_init(peqa_mpi_thread_serialized(), &provided), "MPI_Init_thread")
    guard provided >= peqa_mpi_thread_serialized() else { throw .threadLevel }
    return try Communicator(
      world: peqa_mpi_comm_world(), hostName: hostName, launcher: launcher)
  }

  /// Tells all ranks why this one leaves, and returns what each of them says, in rank order.
  ///
  /// Every rank calls it when it has ended, well or not, and after it nothing but `finish`, `abort`
  /// or `leaveUnfinished`. It has a channel of its own: a rank that is here cannot be mistaken for
  /// one that takes part in a collective of the work.
  ///
  /// - Parameter patience: seconds to wait for the others.
  /// - Throws: `.timedOut` where another rank is still at work and knows nothing of this one.
  package func exchangeLastWords(
    _ words: [UInt8], patience: Double
  ) throws(CommunicatorError) -> [[UInt8]] {
    (channel, timeout) = (endings, patience)
    return try allGather(words)
  }

  /// Leaves MPI; all ranks must call it, and no collective after it.
  package func finish() throws(CommunicatorError) {
    guard channel != nil else { return }
    try check(MPI_Finalize(), "MPI_Finalize")
  }

  /// Ends all ranks at once with `code`: for an error that the others do not know of.
  package func abort(_ code: Int32) -> Never {
    if let channel { MPI_Abort(channel, code) }
    exit(code)
  }

  /// Ends this process without a word to MPI: the only way out after `.timedOut`. The launcher then
  /// ends the other ranks, and returns `code`.
  package func leaveUnfinished(_ code: Int32) -> Never {
    fflush(nil)
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
