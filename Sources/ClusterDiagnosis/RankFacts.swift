package import JSONText

/// What one rank sees of its machine, of itself and of the files of a run: what findings are made
/// of.
package struct RankFacts: Equatable, Sendable {
  package var rank = 0
  package var host = ""

  // Launcher.
  /// Tasks that a Slurm job has room for where its batch script started this process alone.
  package var idleTasks: Int?
  /// Variables that decide how MPI behaves.
  package var environment: [String: String] = [:]
  /// Ranks whose signs of life do not come through; on rank 0 only.
  package var unheard: [Int] = []

  // Processors.
  /// The affinity mask as the kernel writes it.
  package var mask = ""
  package var cpusInMask = 1
  package var cpusOnline = 1
  package var threads = 1
  package var threadSource = ""
  package var isBelowMPIRun = false

  // Network.
  package var interfaces: [Interface] = []
  /// Seconds since 1970, each read when all ranks had left the same barrier.
  package var clock: [Double] = []
  /// What came in from the rank before; nil where none was sent.
  package var ring: Ring?

  // Memory and files.
  package var freeMemory: Int?
  package var freeSharedMemory: Int?
  package var folder: FolderFacts?
  package var base: BaseFacts?

  // Software.
  package var kernels = ""
  /// Why this rank has no kernels.
  package var kernelFault: String?
  package var peqa = ""
  package var mpi = ""
  package var blas = ""

  package init() {}

  /// An IPv4 address of a network interface that is up.
  package struct Interface: Equatable, Sendable {
    package var name: String
    /// `10.0.0.2`.
    package var address: String
    package var prefixLength: Int

    package init(name: String, address: String, prefixLength: Int) {
      (self.name, self.address, self.prefixLength) = (name, address, prefixLength)
    }
  }

  package struct Ring: Equatable, Sendable {
    /// Seconds for a few bytes.
    package var latency: Double
    package var bytesPerSecond: Double

    package init(latency: Double, bytesPerSecond: Double) {
      (self.latency, self.bytesPerSecond) = (latency, bytesPerSecond)
    }
  }

  /// The folder that a run writes to, or the nearest one above it that exists.
  package struct FolderFacts: Equatable, Sendable {
    package var path = ""
    /// Why rank 0 could not write there, and the code of that.
    package var fault: String?
    package var faultCode: Int32 = 0
    /// This rank saw the file that rank 0 had written.
    package var isSeen = true
    /// Looks at a file that rank 0 replaced meanwhile, and how many found none or half of one.
    package var looks = 0
    package var tornLooks = 0
    package var freeBytes: Int?

    package init() {}
  }

  package struct BaseFacts: Equatable, Sendable {
    package var path = ""
    package var digest = ""
    package var bytes = 0
    /// Why it cannot be opened, and the code of that.
    package var fault: String?
    package var faultCode: Int32 = 0

    package init() {}
  }

  /// `rank 2 on node7`.
  var name: String { "rank \(rank) on \(host)" }
}

extension RankFacts {
  package var json: JSONValue {
    var members: [(String, JSONValue)] = [
      ("rank", .integer(rank)), ("host", .string(host)), ("idle_tasks", Self.json(idleTasks)),
      (
        "environment",
        .object(
          environment.sorted { $0.key < $1.key }.map {
            JSONValue.Member(key: $0.key, value: .string($0.value))
          })
      ),
      ("unheard", .array(unheard.map { .integer($0) })), ("mask", .string(mask)),
      ("cpus_in_mask", .integer(cpusInMask)), ("cpus_online", .integer(cpusOnline)),
      ("threads", .integer(threads)), ("thread_source", .string(threadSource)),
      ("below_mpirun", .bool(isBelowMPIRun)),
      (
        "interfaces",
        .array(
          interfaces.map {
            [
              "name": .string($0.name), "address": .string($0.address),
              "prefix_length": .integer($0.prefixLength),
            ]
          })
      ),
      ("clock", .array(clock.map { .real($0) })), ("free_memory", Self.json(freeMemory)),
      ("free_shared_memory", Self.json(freeSharedMemory)), ("kernels", .string(kernels)),
      ("kernel_fault", Self.json(kernelFault)), ("peqa", .string(peqa)), ("mpi", .string(mpi)),
      ("blas", .string(blas)),
    ]
    if let ring {
      let value: JSONValue = [
        "latency": .real(ring.latency), "bytes_per_second": .real(ring.bytesPerSecond),
      ]
      members.append(("ring", value))
    }
    if let folder {
      let value: JSONValue = [
        "path": .string(folder.path), "fault": Self.json(folder.fault),
        "fault_code": .integer(Int(folder.faultCode)), "seen": .bool(folder.isSeen),
        "looks": .integer(folder.looks), "torn_looks": .integer(folder.tornLooks),
        "free_bytes": Self.json(folder.freeBytes),
      ]
      members.append(("folder", value))
    }
    if let base {
      let value: JSONValue = [
        "path": .string(base.path), "digest": .string(base.digest), "bytes": .integer(base.bytes),
        "fault": Self.json(base.fault), "fault_code": .integer(Int(base.faultCode)),
      ]
      members.append(("base", value))
    }
    return .object(members.map { JSONValue.Member(key: $0.0, value: $0.1) })
  }

  private static func json(_ number: Int?) -> JSONValue { number.map { .integer($0) } ?? .null }
  private static func json(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

  /// As another rank has sent it; what is not there keeps its default.
  package init(_ json: JSONValue) {
    func int(_ key: String) -> Int { json[key]?.int ?? 0 }
    func text(_ key: String) -> String { json[key]?.string ?? "" }
    (rank, host, idleTasks) = (int("rank"), text("host"), json["idle_tasks"]?.int)
    for member in json["environment"]?.members ?? [] {
      environment[member.key] = member.value.string
    }
    unheard = (json["unheard"]?.array ?? []).compactMap(\.int)
    (mask, cpusInMask, cpusOnline) = (text("mask"), int("cpus_in_mask"), int("cpus_online"))
    (threads, threadSource) = (int("threads"), text("thread_source"))
    isBelowMPIRun = json["below_mpirun"]?.bool ?? false
    interfaces = (json["interfaces"]?.array ?? []).map {
      Interface(
        name: $0["name"]?.string ?? "", address: $0["address"]?.string ?? "",
        prefixLength: $0["prefix_length"]?.int ?? 32)
    }
    clock = (json["clock"]?.array ?? []).compactMap(\.double)
    (freeMemory, freeSharedMemory) = (json["free_memory"]?.int, json["free_shared_memory"]?.int)
    (kernels, kernelFault) = (text("kernels"), json["kernel_fault"]?.string)
    (peqa, mpi, blas) = (text("peqa"), text("mpi"), text("blas"))
    ring = json["ring"].map {
      Ring(
        latency: $0["latency"]?.double ?? 0, bytesPerSecond: $0["bytes_per_second"]?.double ?? 0)
    }
    folder = json["folder"].map(FolderFacts.init)
    base = json["base"].map(BaseFacts.init)
  }
}

extension RankFacts.FolderFacts {
  fileprivate init(_ json: JSONValue) {
    (path, fault) = (json["path"]?.string ?? "", json["fault"]?.string)
    faultCode = Int32(clamping: json["fault_code"]?.int ?? 0)
    isSeen = json["seen"]?.bool ?? false
    (looks, tornLooks) = (json["looks"]?.int ?? 0, json["torn_looks"]?.int ?? 0)
    freeBytes = json["free_bytes"]?.int
  }
}

extension RankFacts.BaseFacts {
  fileprivate init(_ json: JSONValue) {
    (path, digest) = (json["path"]?.string ?? "", json["digest"]?.string ?? "")
    (bytes, fault) = (json["bytes"]?.int ?? 0, json["fault"]?.string)
    faultCode = Int32(clamping: json["fault_code"]?.int ?? 0)
  }
}
