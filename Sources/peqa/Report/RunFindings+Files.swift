internal import Checkpoints
internal import DecoderModel
internal import Foundation
internal import JSONText
internal import Reports
internal import RunHistory

extension RunFindings {
  private static let taskFiles = "task_results"

  /// What was found when training ended, and results on tasks. What cannot be read is left out.
  init(of record: RunRecord) {
    self.init(Self.json("\(record.folder)/\(RunFile.reportData)"))
    let names = Folder.names(in: record.folder).filter {
      $0.hasPrefix(Self.taskFiles) && $0.hasSuffix(".json")
    }
    tasks = names.compactMap { Self.json("\(record.folder)/\($0)").flatMap(TaskResults.init) }
  }

  /// Looks up where scales moved, if nobody has: reads the whole adapter and scales of the base.
  mutating func findMovement(of record: RunRecord, _ console: Console) {
    guard movement == nil, let adapter = record.adapterFolder, let base = record.life?.model else {
      return
    }
    do {
      movement = try Movement(of: adapter, base: base)
    } catch {
      console.detail("where scales moved is left out: \(error)")
    }
  }

  private static func json(_ path: String) -> JSONValue? {
    guard let bytes = try? OpenFile.contents(of: path), bytes.count <= 1 << 28 else { return nil }
    return try? JSONValue(parsing: bytes, maximumValues: 10_000_000)
  }
}

extension RunFindings.Movement {
  /// - Throws: where the two do not belong together or cannot be read.
  init(of adapter: String, base: String, rows: Int = 20) throws {
    let arithmetic = try AdapterArithmetic([base, adapter])
    let difference = arithmetic.difference(top: rows)
    let all = difference.all
    self.init(
      form: arithmetic.model.form.rawValue, count: all.count, changed: all.changed, rms: all.rms,
      largest: all.largest,
      tensors: difference.tensors.map {
        .init(
          layer: $0.place.layer, kind: $0.place.kind, rms: $0.movement.rms,
          largest: $0.movement.largest)
      },
      rows: difference.rows.map {
        .init(
          layer: $0.place.layer, kind: $0.place.kind, row: $0.row, rms: $0.movement.rms,
          largest: $0.movement.largest)
      })
  }
}
