package import Foundation
package import JSONText

/// One attempt at a run, from a start to an end: what it ran on, as `run.json` has it.
///
/// A member that is missing or of the wrong kind is empty, 0 or nil here.
package struct RunLife: Sendable, Equatable {
  package var version: String
  package var commit: String
  package var arguments: [String]
  /// Each host once; `rankHosts` has one for each rank.
  package var hosts: [String]
  package var rankHosts: [String]
  package var processor: String
  package var kernels: String
  package var precision: String
  package var threads: Int
  package var ranks: Int
  package var mpi: String
  package var blas: String
  package var model: String
  package var data: RunData?
  package var baseDigest: String
  package var configDigest: String
  package var dataDigest: String
  package var teacherDigest: String
  package var trainedNumbers: Int
  package var started: Date?
  /// The step that it went on from; 0 for a beginning.
  package var firstStep: Int
  /// Steps that the run is to have; 0 where it does not say.
  package var totalSteps: Int
  /// Nil where it runs still, or ended without being able to say so.
  package var end: RunEnd?
}

/// How an attempt ended, and when: the member `ended` of `run.json`.
package struct RunEnd: Sendable, Equatable {
  package enum Reason: String, Sendable, CaseIterable {
    /// All steps are done.
    case complete
    /// No evaluation was better for too long.
    case early = "early_stopping"
    /// Saved on request, to be started again.
    case stopped
    /// An error, which `cause` names.
    case failed
  }

  package var reason: Reason
  package var step: Int
  package var time: Date?
  /// A sentence, or nothing.
  package var cause: String

  package init(reason: Reason, step: Int, time: Date?, cause: String = "") {
    (self.reason, self.step, self.time, self.cause) = (reason, step, time, cause)
  }
}

extension RunLife {
  /// Names of members of `run.json` that the trainer itself adds.
  package enum Member {
    package static let previous = "previous"
    package static let ended = "ended"
    package static let started = "started"
    package static let firstStep = "first_step"
    package static let totalSteps = "total_steps"
  }

  /// The attempts of a `run.json`, the newest last; none where it is no object.
  package static func all(_ json: JSONValue) -> [RunLife] {
    guard json.members != nil else { return [] }
    let earlier = (json[Member.previous]?.array ?? []).filter { $0.members != nil }
    return (earlier + [json]).map(RunLife.init)
  }

  init(_ json: JSONValue) {
    func text(_ key: String) -> String { json[key]?.string ?? "" }
    func texts(_ key: String) -> [String] { json[key]?.array?.compactMap(\.string) ?? [] }
    version = text("peqa")
    commit = text("commit")
    arguments = texts("argv")
    hosts = texts("hosts")
    rankHosts = texts("rank_hosts")
    processor = text("cpu")
    kernels = text("kernels")
    precision = text("precision")
    threads = json.count("threads")
    ranks = json.count("ranks")
    mpi = text("mpi")
    blas = text("blas")
    model = text("model")
    data = RunData(json["data"])
    baseDigest = text("base_sha256")
    configDigest = text("config_sha256")
    dataDigest = text("data_digest")
    teacherDigest = text("teacher_sha256")
    trainedNumbers = json.count("trained_numbers")
    started = moment(of: text(Member.started))
    firstStep = json.count(Member.firstStep)
    totalSteps = json.count(Member.totalSteps)
    end = RunEnd(json[Member.ended])
  }
}

extension RunEnd {
  package var json: JSONValue {
    var members: [JSONValue.Member] = [
      .init(key: "reason", value: .string(reason.rawValue)),
      .init(key: MetricKey.step, value: .integer(step)),
      .init(key: "time", value: time.map { .string($0.formatted(.iso8601)) } ?? .null),
    ]
    if !cause.isEmpty { members.append(.init(key: "cause", value: .string(cause))) }
    return .object(members)
  }

  init?(_ json: JSONValue?) {
    guard let json, let reason = json["reason"]?.string.flatMap(Reason.init(rawValue:)) else {
      return nil
    }
    self.init(
      reason: reason, step: json.count(MetricKey.step),
      time: json["time"]?.string.flatMap(moment(of:)),
      cause: json["cause"]?.string ?? "")
  }
}
