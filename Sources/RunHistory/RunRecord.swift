internal import Checkpoints
package import Foundation
internal import JSONText

/// Everything that the output folder of a run says of it, as values.
///
/// Files that are missing, torn or hold something else leave their part empty: a run that is being
/// written, or was killed, can be read at any moment. Nothing is locked or changed.
package struct RunRecord: Sendable, Equatable {
  /// As it was given.
  package var folder: String
  /// Attempts, the newest last.
  package var lives: [RunLife]
  package var settings: RunSettings
  package var metrics: RunMetrics
  /// Steps of the checkpoints that are there, ascending.
  package var checkpoints: [Int]
  package var hasAdapter: Bool
  /// The final adapter, or where there is none yet that of the newest checkpoint.
  package var adapter: RunAdapter?
  /// The tokenizer came with a template for conversations.
  package var hasChatTemplate: Bool
  package var results: RunResults?
  package var failures: [RunFailure]
  package var owner: RunOwner?
  /// When metrics, or where there are none anything else, were last written.
  package var lastWritten: Date?
  /// Whether the owner's process is there; nil where that cannot be seen from here.
  package var ownerIsAlive: Bool?

  /// `run.json`, `metrics.jsonl` and the like are not that large in honest runs.
  private static let largestDocument = 64 << 20
  private static let mostValues = 4_000_000

  /// - Parameter recent: lines of the metrics that are read, from the end; evaluations all are.
  /// - Throws: `RunHistoryError.noRun` where the folder has no run.
  package init(folder: String, recent: Int = .max) throws(RunHistoryError) {
    guard Self.isRun(folder) else { throw .noRun(path: folder) }
    self.folder = folder
    func bytes(_ name: String) -> [UInt8] {
      (try? OpenFile.contents(of: "\(folder)/\(name)")) ?? []
    }
    func text(_ name: String) -> String { String(decoding: bytes(name), as: UTF8.self) }
    func json(_ name: String) -> JSONValue? {
      let bytes = bytes(name)
      guard !bytes.isEmpty, bytes.count <= Self.largestDocument else { return nil }
      return try? JSONValue(parsing: bytes, maximumValues: Self.mostValues)
    }
    lives = json(RunFile.provenance).map(RunLife.all) ?? []
    settings = RunSettings(parsing: text(RunFile.settings))
    metrics = RunMetrics(parsing: bytes(RunFile.metrics), recent: recent)
    let figures = json(RunFile.results)
    results = figures.flatMap(RunResults.init)
    if metrics.tasks.isEmpty, let results, let scores = figures?["tasks"] {
      metrics.tasks.add(scores, step: results.step)
    }
    failures = RunFailure.all(text(RunFile.failures))
    owner = RunOwner(parsing: text(RunFile.lock))
    ownerIsAlive = owner?.isAlive()
    let names = Folder.names(in: folder)
    checkpoints = names.compactMap(RunFile.step(ofCheckpoint:)).sorted()
    hasAdapter = names.contains(RunFile.adapterWeights)
    hasChatTemplate =
      names.contains("chat_template.jinja") || names.contains("chat_template.json")
      || settings["chat_template"] != nil
    let place = hasAdapter ? "" : checkpoints.last.map { RunFile.checkpoint(step: $0) + "/" } ?? ""
    adapter = RunAdapter(
      json(place + RunFile.adapterConfig),
      bytes: Self.size("\(folder)/\(place)\(RunFile.adapterWeights)"))
    lastWritten =
      Self.modification("\(folder)/\(RunFile.metrics)")
      ?? Self.modification("\(folder)/\(RunFile.provenance)")
  }

  /// Where the final adapter is, or where there is none yet that of the newest checkpoint.
  package var adapterFolder: String? {
    if hasAdapter { return folder }
    return checkpoints.last.map { "\(folder)/\(RunFile.checkpoint(step: $0))" }
  }

  /// Whether a folder is the output folder of a run.
  package static func isRun(_ folder: String) -> Bool {
    Folder.exists("\(folder)/\(RunFile.provenance)")
      && (Folder.exists("\(folder)/\(RunFile.settings)")
        || Folder.exists("\(folder)/\(RunFile.metrics)"))
  }

  /// Output folders of runs in a folder and below, itself included, by name. Symbolic links are not
  /// followed, and nothing is looked for within a run.
  package static func folders(below folder: String, depth: Int = 4) -> [String] {
    if isRun(folder) { return [folder] }
    guard depth > 0 else { return [] }
    return Folder.names(in: folder).flatMap { name -> [String] in
      let path = folder == "." ? name : "\(folder)/\(name)"
      let attributes = try? FileManager.default.attributesOfItem(atPath: path)
      guard attributes?[.type] as? FileAttributeType == .typeDirectory else { return [] }
      return folders(below: path, depth: depth - 1)
    }
  }

  private static func size(_ path: String) -> Int {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return (attributes?[.size] as? NSNumber)?.intValue ?? 0
  }

  private static func modification(_ path: String) -> Date? {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return attributes?[.modificationDate] as? Date
  }
}

/// Why an attempt was given up, by a line of `failures.log`.
package struct RunFailure: Sendable, Equatable {
  package var time: Date?
  package var text: String

  static func all(_ log: String) -> [RunFailure] {
    log.split(whereSeparator: \.isNewline).suffix(1000).map { line in
      let parts = line.split(separator: " ", maxSplits: 1)
      guard parts.count == 2, let time = moment(of: String(parts[0])) else {
        return RunFailure(time: nil, text: String(line))
      }
      return RunFailure(time: time, text: String(parts[1]))
    }
  }
}
