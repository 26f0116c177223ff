internal import Checkpoints
internal import Foundation
internal import JSONText
internal import RunHistory

/// The metrics of a run as TensorBoard reads them: `tensorboard/events.out.tfevents.*`.
///
/// Every attempt has a file of its own, whose name sorts behind those of earlier ones. One that
/// continues from step N begins with a record that voids what they say beyond N.
final class EventFile {
  private let file: OpenFile
  /// Records that the file has not taken yet.
  private var waiting: [UInt8] = []

  /// - Parameter step: the step to continue from; 0 for a beginning.
  init(folder: String, continuingFrom step: Int) throws {
    try Folder.make(folder)
    let earlier = Folder.names(in: folder).compactMap(Self.second)
    let now = Date().timeIntervalSince1970
    let second = max(Int(now), (earlier.max() ?? 0) + 1)
    let host = ProcessInfo.processInfo.hostName.filter { $0 != "/" }
    file = try OpenFile("\(folder)/\(Self.prefix)\(second).\(host).\(getpid())", .creating)
    add(EventRecord(time: now, step: 0, .version))
    if !earlier.isEmpty {
      add(EventRecord(time: now, step: step == 0 ? 0 : step + 1, .restart))
    }
    try write()
  }

  private static let prefix = "events.out.tfevents."

  /// The time in a file's name.
  private static func second(of name: String) -> Int? {
    guard name.hasPrefix(prefix) else { return nil }
    return name.dropFirst(prefix.count).split(separator: ".").first.flatMap { Int($0) }
      .flatMap { (0..<(1 << 40)).contains($0) ? $0 : nil }
  }

  /// Takes a line of `metrics.jsonl`.
  func add(_ record: JSONValue) {
    let scalars = MetricKey.allCases.compactMap { key in
      record[key.rawValue]?.double.map { EventRecord.Scalar(tag: key.tag, value: Float($0)) }
    }
    let scores = (record.members ?? []).compactMap { member -> EventRecord.Scalar? in
      guard TaskCurve.isName(member.key) || member.key == MetricKey.taskRuntime else { return nil }
      return member.value.double.map { .init(tag: "tasks/\(member.key)", value: Float($0)) }
    }
    let all = scalars + scores
    guard !all.isEmpty, let step = record[MetricKey.step]?.int else { return }
    add(EventRecord(time: Date().timeIntervalSince1970, step: step, .scalars(all)))
  }

  private func add(_ record: EventRecord) { waiting += record.bytes }

  /// Gives the file what waits, all of it or nothing.
  func write() throws(CheckpointError) {
    try file.append(waiting)
    waiting = []
  }
}

extension MetricKey {
  /// The name under which TensorBoard shows it: groups by what it is about.
  package var tag: String {
    switch self {
    case .evalLoss: "eval/loss"
    case .perplexity: "eval/perplexity"
    case .evalRuntime: "eval/runtime"
    case .epoch, .loss, .gradientNorm, .learningRate, .scaleDrift, .divergence, .taskLoss,
      .hiddenLoss, .inputTokens, .supervisedTokens:
      "train/\(rawValue)"
    case .tokensPerSecond, .stepTime, .communicationTime, .communicationBytes, .fastestRank,
      .slowestRank, .privateGigabytes, .sharedGigabytes, .saveTime, .bytesRead, .runtime:
      "system/\(rawValue)"
    }
  }
}
