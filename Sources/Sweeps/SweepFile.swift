internal import Checkpoints
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
    try self.init(yaml: try RawConfig.text(ofFile: path), path: path)
  }

  /// `path` is for messages, and for paths relative to its folder.
  package init(yaml text: String, path: String) throws {
    (self.path, self.text) = (path, text)
    directory = RawConfig.directory(of: path)
    let members = try Self.members(of: text, path)
    settings = try Self.settings(members, path)

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
    digest = Self.digest(members, runText)
  }

  private static func members(
    of text: String, _ path: String
  ) throws(TrainingError) -> [ConfigNode.Member] {
    do throws(ConfigSyntaxError) {
      return try ConfigNode.members(yaml: text)
    } catch {
      throw .config([ConfigFault(error, in: path)])
    }
  }

  private static func settings(
    _ members: [ConfigNode.Member], _ path: String
  ) throws(TrainingError) -> SweepSettings {
    guard let section = members.first(where: { $0.key == "sweep" }) else {
      throw .config([
        ConfigFault(
          location: path,
          message: "no section \"sweep:\"; a sweep file is a run file with one. For a single run: "
            + "peqa train \(path)")
      ])
    }
    var faults: [ConfigFault] = []
    let settings = SweepSettings(section.value, path: path, faults: &faults)
    if !faults.isEmpty { throw .config(faults) }
    return settings
  }

  /// Comments and the order of lines do not count, and neither does how runs are started. Faults of
  /// the run file are told with the runs.
  private static func digest(_ members: [ConfigNode.Member], _ runText: String) -> String {
    var lines: [String] = []
    for member in members {
      guard member.key == "sweep", case .map(let section) = member.value.content else {
        lines += [member].flows
        continue
      }
      let lasting = section.filter { SweepSettings.lasting.contains($0.key) }
      lines += lasting.flows.map { "sweep." + $0 }
    }
    lines += ((try? ConfigNode.members(yaml: runText)) ?? []).flows.map { "run." + $0 }
    return SHA256.hexDigest(of: Array(lines.sorted().joined(separator: "\n").utf8))
  }
}
