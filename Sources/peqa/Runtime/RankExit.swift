/// How a rank has ended, as it tells the others, so that all leave with the same exit code.
package struct RankExit: Equatable {
  /// 0: all is well.
  package var code: Int32
  /// `[rank 3 node7] ` where there are several ranks.
  package var prefix = ""
  /// Why; empty where nothing is left to say.
  package var text = ""

  package var bytes: [UInt8] {
    withUnsafeBytes(of: code.littleEndian) { Array($0) } + Array("\(prefix)\0\(text)".utf8)
  }

  package init(code: Int32, prefix: String = "", text: String = "") {
    (self.code, self.prefix, self.text) = (code, prefix, text)
  }

  package init(bytes: [UInt8]) {
    code = bytes.prefix(4).reversed().reduce(0) { $0 << 8 | Int32($1) }
    let parts = bytes.dropFirst(4).split(
      separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
    prefix = String(decoding: parts.first ?? [], as: UTF8.self)
    text = String(decoding: parts.dropFirst().first ?? [], as: UTF8.self)
  }

  /// What rank 0 prints for all: each text once, with the name of the first rank that says it, or
  /// with none where all say the same.
  package static func summary(_ all: [RankExit]) -> [RankExit] {
    var seen: Set<String> = [""]
    let different = all.filter { seen.insert($0.text).inserted }
    let isUnanimous = different.count == 1 && all.allSatisfy { $0.text == all[0].text }
    return isUnanimous
      ? different.map { RankExit(code: $0.code, text: $0.text) } : different
  }
}
