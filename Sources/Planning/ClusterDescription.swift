internal import Checkpoints
internal import Foundation
internal import Training

/// What `clusterconfigs/*.yaml` says of a cluster: its size, and the speed of its parts where
/// known.
package struct ClusterDescription: Sendable, Equatable {
  /// Names of the hosts; empty where the file does not list them.
  package var hosts: [String] = []
  /// Hosts, in so far as a plan cares: their number.
  package var nodes = 1
  package var ranksPerNode = 1
  package var threadsPerRank: Int?
  /// Cores of a node.
  package var cores: Int?
  /// 1e9 operations per second that one core sustains in training; `peqa plan` prints it where it
  /// measures.
  package var coreGigaflops: Double?
  /// 1e9 bytes of a node.
  package var memoryGigabytes: Double?
  /// 1e9 bytes free for bases and checkpoints.
  package var diskGigabytes: Double?
  /// 1e6 bytes per second that a node reads.
  package var diskMegabytesPerSecond: Double?
  /// 1e9 bits per second of a node's link, as the switch is called.
  package var networkGigabits: Double?
  /// Microseconds of a small message.
  package var networkLatency: Double?
  /// Interface or address range of MPI's TCP traffic, as Open MPI reads it.
  package var interface: String?
  /// Open MPI's `--map-by` and `--bind-to`.
  package var mapBy: String?
  package var bindTo: String?

  package init() {}

  /// - Throws: `TrainingError.config` with all faults of the file.
  package init(file path: String) throws {
    guard let text = String(validating: try OpenFile.contents(of: path), as: UTF8.self) else {
      throw TrainingError.badData("\(path): not a text in UTF-8")
    }
    try self.init(yaml: text, path: path)
  }

  package init(yaml: String, path: String) throws {
    var faults: [ConfigFault] = []
    do throws(ConfigSyntaxError) {
      guard case .map(let members)? = try ConfigNode.parse(yaml: yaml)?.content else {
        throw ConfigSyntaxError(message: "expected `key: value`", line: 1)
      }
      for member in members {
        if let message = read(member.key, member.value) {
          faults.append(ConfigFault(location: "\(path):\(member.keyLine)", message: message))
        }
      }
    } catch {
      faults.append(ConfigFault(location: "\(path):\(error.line)", message: error.message))
    }
    if !faults.isEmpty { throw TrainingError.config(faults) }
  }

  private static var texts: [(String, WritableKeyPath<Self, String?>)] {
    [("interface", \.interface), ("map_by", \.mapBy), ("bind_to", \.bindTo)]
  }

  private static var numbers: [(String, WritableKeyPath<Self, Double?>)] {
    [
      ("core_gflops", \.coreGigaflops), ("memory_gb", \.memoryGigabytes),
      ("disk_gb", \.diskGigabytes), ("disk_mb_per_s", \.diskMegabytesPerSecond),
      ("network_gbit", \.networkGigabits), ("network_latency_us", \.networkLatency),
    ]
  }

  /// What is wrong with a key or its value; nil where nothing is.
  private mutating func read(_ key: String, _ node: ConfigNode) -> String? {
    if key == "hosts" {
      return readHosts(node)
    }
    if let (_, path) = Self.texts.first(where: { $0.0 == key }) {
      guard let text = node.scalar, Self.isWord(text, with: "._-:,/=") else {
        return "\(key): expected letters, digits and . _ - : , / =, found \(node.kind)"
      }
      self[keyPath: path] = text
      return nil
    }
    if let (_, path) = Self.numbers.first(where: { $0.0 == key }) {
      guard case .scalar(let text) = node.content, let value = Double(text), value > 0,
        value <= 1e9
      else { return "\(key): expected a number above 0 and up to 1e9, found \(node.kind)" }
      self[keyPath: path] = value
      return nil
    }
    let known = ["ranks_per_node", "threads_per_rank", "cores"]
    guard known.contains(key) else {
      let names = ["hosts"] + known + Self.numbers.map(\.0) + Self.texts.map(\.0)
      return "unknown key \"\(key)\"; known are \(names.joined(separator: ", "))"
    }
    guard case .scalar(let text) = node.content, let value = Int(text), (1...65_536).contains(value)
    else { return "\(key): expected a whole number from 1 to 65536, found \(node.kind)" }
    switch key {
    case "ranks_per_node": ranksPerNode = value
    case "threads_per_rank": threadsPerRank = value
    default: cores = value
    }
    return nil
  }

  private mutating func readHosts(_ node: ConfigNode) -> String? {
    guard case .list(let elements) = node.content, !elements.isEmpty else {
      return "hosts: expected a list of names"
    }
    for element in elements {
      guard let name = element.scalar, Self.isWord(name, with: "._-") else {
        return "hosts: expected names of letters, digits and . _ -, found \(element.kind)"
      }
    }
    hosts = elements.compactMap(\.scalar)
    nodes = hosts.count
    return nil
  }

  /// Letters, digits and `others`, beginning with a letter or digit: never an option of a program
  /// that gets it as an argument, and nothing that a shell would take apart.
  private static func isWord(_ text: String, with others: String) -> Bool {
    func isPlain(_ byte: UInt8) -> Bool {
      byte < 0x80 && (Character(UnicodeScalar(byte)).isLetter || (0x30...0x39).contains(byte))
    }
    guard let first = text.utf8.first, isPlain(first) else { return false }
    return text.utf8.allSatisfy { isPlain($0) || others.utf8.contains($0) }
  }
}
