import Foundation
import TestSupport
import Testing

/// `launch/mpirun-train -c FILE` reads a cluster file as `peqa plan` does; a stand-in for mpirun
/// prints what it is given.
@Suite struct ClusterFileTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    try FileManager.default.createDirectory(
      at: folder.file("bin"), withIntermediateDirectories: true)
    try folder.write("#!/bin/bash\nprintf '<%s>' \"$@\"\n", to: "bin/mpirun")
    try FileManager.default.setAttributes(
      [.posixPermissions: 0o755], ofItemAtPath: folder.file("bin/mpirun").path)
  }

  private func launch(_ cluster: String) throws -> Program.Output {
    try folder.write(cluster, to: "cluster.yaml")
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    return try Program.run(
      program: Program.root.appending(path: "launch/mpirun-train").path,
      ["-c", folder.file("cluster.yaml").path, "run.yaml"],
      environment: ["PATH": folder.file("bin").path + ":" + path, "PEQA": Program.peqa])
  }

  @Test func listsOverSeveralLinesAreRead() throws {
    let result = try launch(
      """
      # Hosts, one per line.
      hosts:
        - node1
        - "node2"
      ranks_per_node: 3   # three
      threads_per_rank: 4
      interface: 10.0.0.0/24
      map_by: 'ppr:1:socket'
      cores: 12
      """)
    #expect(result.status == 0, "\(result.standardError)")
    for words in [
      "<--host><node1:3,node2:3><-n><6>", "<--map-by><ppr:1:socket>", "PEQA_NUM_THREADS=4",
      "<btl_tcp_if_include><10.0.0.0/24>", "<oob_tcp_if_include><10.0.0.0/24>",
    ] { #expect(result.standardOutput.contains(words), "\(words) in \(result.standardOutput)") }
  }

  /// The text of a faulty file never reaches the shell.
  @Test(arguments: [
    ("hosts: [node1, \"-oProxyCommand=touch$IFS/tmp/x\"]", "hosts: expected names"),
    ("hosts: [a]\nmap_by: \"'; touch x; '\"", "map_by: expected letters"),
    ("hosts: [a]\nranks: 2", "unknown key \"ranks\""), ("cores: 2", "hosts is missing"),
  ])
  func faultsAreNamed(cluster: String, says: String) throws {
    let result = try launch(cluster)
    #expect(result.status == 78)
    #expect(result.standardOutput.isEmpty)
    #expect(result.standardError.contains("cluster.yaml") && result.standardError.contains(says))
  }
}
