internal import Checkpoints
internal import JSONText
internal import Training

/// The folder of a sweep: a folder and a run file for each run, and one small file of the sweep's
/// own, `plan.json`.
///
/// How far runs have come is read from their own folders. `plan.json` holds what those cannot say:
/// which sweep this is, and which runs will not be tried again. It is always written whole.
package final class SweepFolder {
  /// Why a run will not be tried again.
  package struct Failure: Sendable, Equatable {
    package var code: Int32
    package var message: String
  }

  package let path: String
  private let plan: SweepPlan
  /// By the name of the run.
  package private(set) var failures: [String: Failure] = [:]
  /// Jobs that were queued for each rung.
  private(set) var submissions: [Int]
  private let lock: OpenFile

  /// Makes or opens the folder and keeps other sweeps out of it.
  ///
  /// - Parameter forgetsFailures: what has failed is tried again.
  /// - Throws: `SweepError.changed` where it belongs to another sweep.
  package init(_ plan: SweepPlan, _ file: SweepFile, forgetsFailures: Bool = false) throws {
    path = plan.folder
    self.plan = plan
    submissions = [Int](repeating: 0, count: plan.rungs.count + 1)
    try Folder.make(path)
    lock = try OpenFile("\(path)/.sweep.lock", .updating)
    if lock.lock() == false { throw SweepError.inUse(folder: path) }
    if Folder.exists("\(path)/plan.json") {
      try read(file.path)
    } else {
      try refuseForeignRuns(file.path)
    }
    if forgetsFailures {
      failures = [:]
      submissions = submissions.map { _ in 0 }
    }
    try AtomicFile.write(file.text, to: "\(path)/sweep.yaml")
    try write()
  }

  private func read(_ sweepFile: String) throws {
    let name = "\(path)/plan.json"
    let json: JSONValue
    do {
      json = try JSONValue(parsing: OpenFile.contents(of: name))
    } catch {
      throw SweepError.badPlan(path: name, reason: "\(error)")
    }
    guard let digest = json["sweep_sha256"]?.string else {
      throw SweepError.badPlan(path: name, reason: "not the plan of a sweep")
    }
    guard digest == plan.digest else { throw SweepError.changed(path: sweepFile, folder: path) }
    for entry in json["failures"]?.array ?? [] {
      guard let run = entry["run"]?.string, let code = entry["code"]?.int else { continue }
      // An exit code, which a failure cannot have as 0.
      failures[run] = Failure(
        code: (1...255).contains(code) ? Int32(code) : 70, message: entry["message"]?.string ?? "")
    }
    for (index, count) in (json["submissions"]?.array ?? []).enumerated()
    where index < submissions.count {
      submissions[index] = max(0, count.int ?? 0)
    }
  }

  /// Runs without a plan belong to a sweep whose plan was removed, or to something else.
  private func refuseForeignRuns(_ sweepFile: String) throws {
    for run in plan.runs where Folder.exists(runFile(run)) {
      let text = try OpenFile.contents(of: runFile(run))
      guard String(decoding: text, as: UTF8.self) == run.config.yaml else {
        throw SweepError.changed(path: sweepFile, folder: path)
      }
    }
  }

  package func runFile(_ run: SweepPlan.Run) -> String { "\(path)/\(run.name).yaml" }
  package func log(_ run: SweepPlan.Run) -> String { "\(path)/\(run.name).log" }

  /// The run file, for whoever starts the run.
  func writeRunFile(_ run: SweepPlan.Run) throws {
    try AtomicFile.write(run.config.yaml, to: runFile(run))
  }

  func note(_ failure: Failure, of run: SweepPlan.Run) throws {
    failures[run.name] = failure
    try write()
  }

  /// Before a job is queued: who dies in between has queued one too few, never one too many.
  func noteSubmission(rung: Int) throws {
    submissions[rung] += 1
    try write()
  }

  /// What the log of a run says last, for messages.
  func lastWords(_ run: SweepPlan.Run) -> String {
    let bytes = (try? OpenFile.contents(of: log(run))) ?? []
    let text = String(decoding: bytes.suffix(4096), as: UTF8.self)
    return text.split(separator: "\n").last { $0.contains("peqa: ") }.map(String.init)
      ?? text.split(separator: "\n").last.map(String.init) ?? ""
  }

  private func write() throws {
    let failed = failures.sorted { $0.key < $1.key }.map { name, failure -> JSONValue in
      [
        "run": .string(name), "code": .integer(Int(failure.code)),
        "message": .string(failure.message),
      ]
    }
    let json: JSONValue = [
      "sweep_sha256": .string(plan.digest), "metric": .string(plan.metric.rawValue),
      "rungs": .array(plan.rungs.map { .integer($0) }), "eta": .real(plan.eta),
      "runs": .array(plan.runs.map(\.json)), "failures": .array(failed),
      "submissions": .array(submissions.map { .integer($0) }),
    ]
    try AtomicFile.write(json.text(indent: 2) + "\n", to: "\(path)/plan.json")
  }
}

extension SweepPlan.Run {
  var json: JSONValue {
    [
      "name": .string(name), "setting": .integer(setting),
      "values": values.json,
    ]
  }
}
