internal import Training

extension ClusterDescription {
  /// What `launch/mpirun-train` needs, by the file's own key; a key that was not given has no text.
  ///
  /// - Throws: `TrainingError.config` where no host is named.
  package func launchSettings(path: String) throws -> [(key: String, text: String)] {
    guard !hosts.isEmpty else {
      throw TrainingError.config([
        ConfigFault(location: path, message: "hosts is missing; give a list of names")
      ])
    }
    return [
      ("hosts", hosts.joined(separator: " ")), ("ranks_per_node", "\(ranksPerNode)"),
      ("threads_per_rank", threadsPerRank.map { "\($0)" } ?? ""), ("interface", interface ?? ""),
      ("map_by", mapBy ?? ""), ("bind_to", bindTo ?? ""),
    ]
  }

  /// The same as assignments that any POSIX shell can evaluate: `cluster_KEY='TEXT'`, one per line.
  package func shellAssignments(path: String) throws -> String {
    try launchSettings(path: path).map { key, text in
      "cluster_\(key)='\(text.replacing("'", with: "'\\''"))'"
    }.joined(separator: "\n")
  }
}
