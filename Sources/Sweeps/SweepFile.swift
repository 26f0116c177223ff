internal import Checkpoints
internal import ExitCodes
internal import Training

/// A sweep file: a run file with one section more, `sweep:`.
package struct SweepFile {
  package let path: String
  /// As it was given.
  package let text: String
  package let settings: SweepSettings
  /// SHA-256 of what the file and its run file say, but for how runs are started.
  package let digest: String
  /// The settings that all runs share, before those that vary.
  let base: RawConfig
  /// What relative paths in the file are relative to.
  let directory: String

  /// - Throws: `TrainingError.config` with all faults of the sweep's section, `CheckpointError`
  ///   where a file cannot be read. Faults of run settings are found with the runs (`SweepPlan`).
  package init(path: String) throws {
    guard let text = String(validating: try OpenFile.contents(of: path), as: UTF8.self) else {
      throw TrainingError.badData("\(path): not a text in UTF-8")
    }
    (self.path, self.text) = (path, text)
    directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    var faults: [ConfigFault] = []
    let members = try Self.members(of: text, path)
    settings = try Self.settings(members, path, &faults)
    if !faults.isEmpty { throw TrainingError.config(faults) }

    var (base, runText) = (RawConfig(), "")
    if let name = settings.runFile {
      runText = try base.read(
        file: name.hasPrefix("/") || directory.isEmpty ? name : "\(directory)/\(name)")
    }
    for member in members where member.key != "sweep" {
      base.set(
        member.key, to: member.value, location: "\(path):\(member.keyLine)", directory: directory)
    }
    self.base = base
    digest = try Self.digest(members, path, runText)
  }

  private static func members(
    of text: String, _ path: String
  ) throws -> [(key: String, keyLine: Int, value: ConfigNode)] {
    do {
      guard case .map(let members)? = try ConfigNode.parse(yaml: text)?.content else {
        throw ConfigSyntaxError(message: "expected `key: value`", line: 1)
      }
      return members
    } catch let error as ConfigSyntaxError {
      throw TrainingError.config([
        ConfigFault(location: "\(path):\(error.line)", message: error.message)
      ])
    }
  }

  private static func settings(
    _ members: [(key: String, keyLine: Int, value: ConfigNode)], _ path: String,
    _ faults: inout [ConfigFault]
  ) throws -> SweepSettings {
    guard let section = members.first(where: { $0.key == "sweep" }) else {
      throw TrainingError.config([
        ConfigFault(
          location: path,
          message: "no section \"sweep:\"; a sweep file is a run file with one. For a single run: "
            + "peqa train \(path)")
      ])
    }
    return SweepSettings(section.value, path: path, faults: &faults)
  }

  /// Comments and the order of lines do not count, and neither does how runs are started.
  private static func digest(
    _ members: [(key: String, keyLine: Int, value: ConfigNode)], _ path: String, _ runText: String
  ) throws -> String {
    var lines: [String] = []
    for member in members {
      guard member.key == "sweep", case .map(let section) = member.value.content else {
        lines.append("\(member.key): \(member.value.flow)")
        continue
      }
      lines += section.filter { SweepSettings.lasting.contains($0.key) }.map {
        "sweep.\($0.key): \($0.value.flow)"
      }
    }
    let run = try Self.runMembers(runText).map { "run.\($0.key): \($0.value.flow)" }
    return SHA256.hexDigest(of: Array((lines + run).sorted().joined(separator: "\n").utf8))
  }

  /// Faults of the run file are told with the runs.
  private static func runMembers(
    _ text: String
  ) throws -> [(key: String, keyLine: Int, value: ConfigNode)] {
    guard case .map(let members)? = (try? ConfigNode.parse(yaml: text))?.content else { return [] }
    return members
  }
}

extension ConfigNode {
  /// The value in one line.
  var flow: String {
    switch content {
    case .null: "null"
    case .scalar(let text): text
    case .list(let elements): "[" + elements.map(\.flow).joined(separator: ", ") + "]"
    case .map(let members):
      "{" + members.map { "\($0.key): \($0.value.flow)" }.joined(separator: ", ") + "}"
    }
  }
}
