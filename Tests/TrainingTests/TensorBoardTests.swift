import Foundation
import JSONText
import RunHistory
import TestSupport
import Testing
import Training

@Suite struct TensorBoardTests {
  /// RFC 3720, B.4, and the check value of the CRC catalogue.
  @Test func checksumsOfTheStandard() {
    #expect(CRC32C.checksum(Array("123456789".utf8)) == 0xE306_9283)
    #expect(CRC32C.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(CRC32C.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(CRC32C.checksum((0..<32).map { UInt8($0) }) == 0x46DD_794E)
    #expect(CRC32C.checksum((0..<32).reversed().map { UInt8($0) }) == 0x113F_DB5C)
    #expect(CRC32C.checksum([]) == 0)
  }

  /// Bytes of the tensorboard package, by `Tests/interop/tensorboard_golden.py`.
  @Test func recordsAreThoseOfThePackage() {
    let records = [
      EventRecord(time: 1_700_000_000.25, step: 0, .version),
      EventRecord(time: 1_700_000_001.5, step: 41, .restart),
      EventRecord(
        time: 1_700_000_002, step: 300,
        .scalars([
          .init(tag: "train/loss", value: 3.25), .init(tag: "eval/loss", value: -0.1),
          .init(tag: "\u{E4}", value: 1e30),
        ])),
    ]
    let golden = [
      "1800000000000000a37f4b220900001040fc54d9411a0d627261696e2e4576656e743a32338d2fe9",
      "0f000000000000006d532b090900006040fc54d94110293a020801b43fc31c",
      "3e00000000000000d9d240e70900008040fc54d94110ac022a300a110a0a747261696e2f6c6f737315000050400a"
        + "100a096576616c2f6c6f737315cdccccbd0a090a02c3a415caf24971778a7e80",
    ]
    #expect(records.map { Self.hex($0.bytes) } == golden)
  }

  /// Two attempts make two files; the second says from where the first does not count.
  @Test func attemptsHaveFilesOfTheirOwn() throws {
    let folder = try TemporaryFolder()
    var run = ToyRun(folder("run"))
    run.config.reportTo = ["jsonl", "tensorboard"]
    run.stopAfter = 20
    _ = try run()
    run.stopAfter = nil
    _ = try run()
    let names = try FileManager.default.contentsOfDirectory(atPath: folder("run/tensorboard"))
      .sorted()
    #expect(names.count == 2)
    let files = try names.map {
      Array(try Data(contentsOf: URL(fileURLWithPath: folder("run/tensorboard/\($0)"))))
    }
    let version = EventRecord(time: 0, step: 0, .version).bytes.count
    for file in files { #expect(Self.frames(file).first == version) }
    // One frame for each line, the version, and in the second file the restart.
    let lines = try String(contentsOfFile: folder("run/metrics.jsonl"), encoding: .utf8)
      .split(separator: "\n").count
    #expect(Self.frames(files[0]).count + Self.frames(files[1]).count >= lines + 3)
    #expect(Self.frames(files[1]).count < lines + 2)
  }

  /// Scores of tasks stand among the scalars, under their names.
  @Test func scoresOfTasks() throws {
    let folder = try TemporaryFolder()
    var run = ToyRun(folder("run"))
    run.config.reportTo = ["jsonl", "tensorboard"]
    run.tasks = { _ in TaskMeasurement(names: ["toy/acc"]) { _ in [.real(0.625)] } }
    _ = try run()
    let name = try #require(
      FileManager.default.contentsOfDirectory(atPath: folder("run/tensorboard")).first)
    let file = try Data(contentsOf: URL(fileURLWithPath: folder("run/tensorboard/\(name)")))
    // Tag (field 1) and simple_value (field 2, 0.625 as fp32) of a scalar.
    let scalar = [0x0A, 13] + Array("tasks/toy/acc".utf8) + [0x15, 0, 0, 0x20, 0x3F]
    #expect(file.firstRange(of: scalar) != nil)
  }

  /// Sizes of the records of a whole file; checksums and lengths must be right.
  private static func frames(_ bytes: [UInt8]) -> [Int] {
    func number(_ range: Range<Int>) -> UInt64 {
      bytes[range].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
    var (sizes, place): ([Int], Int) = ([], 0)
    while place + 16 <= bytes.count {
      let length = Int(number(place..<place + 8))
      let (start, end) = (place + 12, place + 12 + length)
      guard end + 4 <= bytes.count else { break }
      #expect(UInt64(CRC32C.masked(bytes[place..<place + 8])) == number(place + 8..<start))
      #expect(UInt64(CRC32C.masked(bytes[start..<end])) == number(end..<end + 4))
      sizes.append(length + 16)
      place = end + 4
    }
    #expect(place == bytes.count)
    return sizes
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
