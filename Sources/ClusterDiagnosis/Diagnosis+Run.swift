internal import Planning
internal import Reporting
internal import Training

// Files, memory and software: what a run stands on.
extension Diagnosis {
  var folder: [Finding] {
    let probed = ranks.filter { $0.folder != nil }
    guard let first = probed.first, let facts = first.folder else { return [] }
    if let fault = facts.fault {
      return [
        .error(
          .folder, "\(facts.path): \(fault)", at: first.name,
          remedy: "choose an output_dir that this user can write to", exitCode: facts.faultCode)
      ]
    }
    let blind = probed.filter { $0.folder?.isSeen == false }
    if !blind.isEmpty {
      return [
        .error(
          .folder, "\(facts.path): what \(first.name) writes there is not seen",
          at: Self.names(blind),
          remedy: "put output_dir on a file system that all hosts share, mounted at the same path",
          exitCode: 78)
      ]
    }
    let torn = probed.filter { ($0.folder?.tornLooks ?? 0) > 0 }
    if !torn.isEmpty {
      return [
        .warning(
          .folder,
          "\(facts.path): a file that is replaced by renaming was missing or half there in "
            + "\(torn.reduce(0) { $0 + ($1.folder?.tornLooks ?? 0) }) of "
            + "\(torn.reduce(0) { $0 + ($1.folder?.looks ?? 0) }) looks", at: Self.names(torn),
          remedy: "use another file system for output_dir: a crash may leave none but older "
            + "checkpoints readable")
      ]
    }
    let many = ranks.count > 1 ? ", seen by all ranks" : ""
    return [.ok(.folder, "\(facts.path): writable\(many), renames are whole")]
  }

  var disk: [Finding] {
    guard let folder = ranks.first?.folder, folder.fault == nil, let free = folder.freeBytes,
      let needs
    else { return [] }
    let all = needs.checkpointBytes * needs.checkpoints
    if free < needs.checkpointBytes {
      return [
        .error(
          .disk,
          "\(folder.path): \(megabytes(free)) free, a checkpoint takes "
            + "\(megabytes(needs.checkpointBytes))", at: ranks[0].name,
          remedy: "make room, or choose another output_dir", exitCode: 78)
      ]
    }
    if free < all {
      return [
        .warning(
          .disk,
          "\(folder.path): \(megabytes(free)) free, the run keeps up to \(megabytes(all)) of "
            + "checkpoints", at: ranks[0].name, remedy: "make room, or lower save_total_limit")
      ]
    }
    return [.ok(.disk, "\(megabytes(free)) free, checkpoints take \(megabytes(all))")]
  }

  var memory: [Finding] {
    var found: [Finding] = []
    for host in hosts {
      let free = host.ranks.compactMap(\.freeMemory).min()
      if let needs, let free {
        found += Self.memory(host.ranks.count, needs, free: free, host: host.name)
      }
      let segment = 16 << 20
      if host.ranks.count > 1, let shared = host.ranks.compactMap(\.freeSharedMemory).min(),
        shared < segment * host.ranks.count
      {
        found.append(
          .warning(
            .memory,
            "/dev/shm has \(megabytes(shared)) free; Open MPI takes some MB per rank there",
            at: host.name,
            remedy: "enlarge it (docker run --shm-size=1g), or mpirun --mca btl ^vader"))
      }
    }
    if found.isEmpty, let least = ranks.compactMap(\.freeMemory).min() {
      let need = needs.map { ", a rank takes \(megabytes($0.privateBytes)) beside the base" } ?? ""
      return [.ok(.memory, "at least \(megabytes(least)) free\(need)")]
    }
    return found
  }

  private static func memory(
    _ ranks: Int, _ needs: RunNeeds, free: Int, host: String
  ) -> [Finding] {
    let own = needs.privateBytes * ranks
    let room = StreamingChoice.usable(free)
    if own > room {
      return [
        .error(
          .memory,
          "\(counted(ranks, "rank")) need \(megabytes(own)) beside the base, "
            + "\(megabytes(free)) are free", at: host,
          remedy: "fewer ranks per node with more threads, micro_batch_size: 1, a smaller "
            + "max_seq_length; see \"peqa plan\"", exitCode: 78)
      ]
    }
    guard own + needs.baseBytes > room else { return [] }
    let what =
      "base \(megabytes(needs.baseBytes)) and ranks \(megabytes(own)) do not fit into "
      + "\(megabytes(free))"
    return [
      .warning(
        .memory, what + (needs.mayStream ? ": the base will be read from disk in each step" : ""),
        at: host,
        remedy: needs.mayStream
          ? "raise micro_batch_size, so that each reading serves more sequences, or take more nodes"
          : "set base_streaming: auto")
    ]
  }

  var software: [Finding] {
    var found: [Finding] = []
    for rank in ranks {
      guard let fault = rank.kernelFault else { continue }
      found.append(
        .error(
          .kernels, fault, at: rank.name, remedy: "unset PEQA_KERNELS, or name kernels of this CPU",
          exitCode: 78))
    }
    if found.isEmpty {
      let other = difference(
        of: .kernels, "kernels",
        remedy: "set deterministic: portable, or use nodes of one kind, or dtype: fp32 and the "
          + "same PEQA_KERNELS everywhere: different kernels round differently", exitCode: 78
      ) { $0.kernels }
      found.append(other ?? .ok(.kernels, ranks[0].kernels))
    }
    let versions = [
      difference(
        of: .versions, "peqa", remedy: "install the same build on all hosts", exitCode: 69
      ) { $0.peqa },
      difference(
        of: .versions, "MPI library", remedy: "install the same Open MPI on all hosts", exitCode: 69
      ) { $0.mpi },
      difference(
        of: .versions, "BLAS",
        remedy: "install the same OpenBLAS, or set the same OPENBLAS_CORETYPE: fp32 products may "
          + "round differently", exitCode: 0
      ) { $0.blas },
    ].compactMap { $0 }
    let same = "\(ranks[0].peqa), \(ranks[0].mpi), \(ranks[0].blas)"
    return found + (versions.isEmpty ? [.ok(.versions, same)] : versions)
  }

  var base: [Finding] {
    let known = ranks.filter { $0.base != nil }
    guard let first = known.first, let base = first.base else { return [] }
    let broken = known.filter { $0.base?.fault != nil }
    if let worst = broken.first, let facts = worst.base, let fault = facts.fault {
      return [
        .error(
          .base, fault, at: Self.names(broken),
          remedy: broken.count == ranks.count
            ? "make the base with \"peqa quantize\", or correct model:"
            : "copy the base to the same path on all hosts", exitCode: facts.faultCode)
      ]
    }
    let other = difference(
      of: .base, "SHA-256 of the base", remedy: "copy one of them to all hosts", exitCode: 65
    ) { String($0.base?.digest.prefix(12) ?? "") }
    return [other ?? .ok(.base, "\(base.path): \(megabytes(base.bytes)), the same on all ranks")]
  }

  private static func names(_ ranks: [RankFacts]) -> String {
    ranks.count > 4 ? "\(ranks.count) ranks" : ranks.map(\.name).joined(separator: ", ")
  }
}
