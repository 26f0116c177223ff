import Foundation
import Planning
import Testing
import Training

@Suite struct ClusterDescriptionTests {
  @Test func allKeysAreRead() throws {
    let cluster = try ClusterDescription(
      yaml: """
        hosts: [a, b, c]
        ranks_per_node: 2
        threads_per_rank: 8
        cores: 16
        core_gflops: 120.5
        memory_gb: 64
        disk_gb: 500
        disk_mb_per_s: 2000
        network_gbit: 10
        network_latency_us: 20
        interface: eth0
        map_by: ppr:1:socket
        bind_to: socket
        """, path: "c.yaml")
    #expect(cluster.nodes == 3 && cluster.ranksPerNode == 2 && cluster.threadsPerRank == 8)
    #expect(cluster.cores == 16 && cluster.coreGigaflops == 120.5 && cluster.memoryGigabytes == 64)
    #expect(cluster.diskGigabytes == 500 && cluster.diskMegabytesPerSecond == 2000)
    #expect(cluster.hosts == ["a", "b", "c"] && cluster.interface == "eth0")
    #expect(cluster.mapBy == "ppr:1:socket" && cluster.bindTo == "socket")
    #expect(cluster.networkGigabits == 10 && cluster.networkLatency == 20)
  }

  @Test(arguments: [
    ("hosts: 3", "c.yaml:1: hosts"), ("cores: many", "c.yaml:1: cores"),
    ("hosts: [a]\nmemory_gb: -1", "c.yaml:2: memory_gb"),
    // In bytes no whole number of 64 bits.
    ("memory_gb: 1e11", "c.yaml:1: memory_gb: expected a number above 0"),
    ("cors: 3", "unknown key \"cors\""),
    ("hosts: [-oProxyCommand=x]", "c.yaml:1: hosts: expected names of letters"),
    ("hosts: [a b]", "hosts: expected names"), ("hosts: [\"$(id)\"]", "hosts: expected names"),
    ("hosts: [[a]]", "found a list"), ("interface: \"a'b\"", "interface: expected letters"),
    ("map_by: --x", "map_by: expected letters"), ("rank_by: slot", "unknown key \"rank_by\""),
    ("? &a [x]\n: 1", "a key must be a plain word"),
    ("- a", "expected `key: value`"), ("hosts: [a", "not YAML"),
  ])
  func faultsAreNamed(yaml: String, says: String) {
    #expect {
      _ = try ClusterDescription(yaml: yaml, path: "c.yaml")
    } throws: { error in
      "\(error)".contains(says) && (error as? TrainingError)?.exitCode == 78
    }
  }

  /// A list over several lines, comments and quotes are the same cluster, for a shell as well.
  @Test func assignmentsForShells() throws {
    let cluster = try ClusterDescription(
      yaml: """
        hosts:   # a list of lines
          - node-1.local
          - "node_2"
        ranks_per_node: 3 # three
        map_by: 'ppr:1:socket'
        """, path: "c.yaml")
    #expect(
      try cluster.shellAssignments(path: "c.yaml") == """
        cluster_hosts='node-1.local node_2'
        cluster_ranks_per_node='3'
        cluster_threads_per_rank=''
        cluster_interface=''
        cluster_map_by='ppr:1:socket'
        cluster_bind_to=''
        """)
    #expect {
      _ = try ClusterDescription(yaml: "cores: 2", path: "c.yaml").shellAssignments(path: "c.yaml")
    } throws: { error in
      "\(error)".contains("c.yaml: hosts is missing")
    }
  }

  /// The files that peqa comes with.
  @Test func shippedFilesAreRead() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "clusterconfigs")
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasSuffix(".yaml") }
    #expect(!names.isEmpty)
    for name in names { _ = try ClusterDescription(file: folder.appending(path: name).path) }
  }
}
