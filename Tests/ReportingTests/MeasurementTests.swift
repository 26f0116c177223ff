import Foundation
import JSONText
import Reporting
import Testing

@Suite struct MeasurementTests {
  @Test(
    arguments: [
      ("1000", 1000), ("12B", 12), ("1.9GB", 1_900_000_000), ("1.5 kB", 1500), ("2MiB", 2 << 20),
      ("0.5GiB", 1 << 29), ("3TB", 3_000_000_000_000), ("1.0001KiB", 1024), (".5KB", 500),
      ("8.MB", 8_000_000), ("0", 0),
      ("", nil), ("GB", nil), (".", nil), ("-1GB", nil), ("1.2.3", nil), ("1e9", nil),
      ("5 bytes", nil),
      ("9999999999TB", nil), ("1GB2", nil), ("١GB", nil),
    ] as [(String, Int?)])
  func sizesAreRead(text: String, bytes: Int?) {
    #expect(byteCount(of: text) == bytes)
  }

  /// NumPy: np.percentile([7, 1, 3, 10], [25, 50, 75]) = 2.5, 5, 7.75.
  @Test func quartilesAreNumPys() {
    let spread = Spread([7, 1, 3, 10])
    #expect(spread.lowerQuartile == 2.5)
    #expect(spread.median == 5)
    #expect(spread.upperQuartile == 7.75)
    #expect(spread.relativeSpread == (7.75 - 2.5) / 2 / 5)
    #expect(spread.least == 1)
    #expect(spread.greatest == 10)
    // 1 / x turns the order round.
    let inverse: [Double] = [1.0 / 10, 1.0 / 7, 1.0 / 3, 1.0]
    let mapped = spread.map { 1 / $0 }
    #expect(mapped.sorted == inverse)
    #expect(Spread([4]).upperQuartile == 4)
  }

  @Test func lineThroughPoints() {
    let exact = LineFit([(1, 5), (2, 7), (4, 11)])
    #expect(abs(exact.slope - 2) < 1e-12 && abs(exact.intercept - 3) < 1e-12)
    #expect(abs(exact.determination - 1) < 1e-12)
    // By hand: means 2 and 2, xx 2, xy 1, yy 2: slope 1/2, R2 = 1 / 4.
    let loose = LineFit([(1, 1), (2, 3), (3, 2)])
    #expect(abs(loose.slope - 0.5) < 1e-12 && abs(loose.determination - 0.25) < 1e-12)
  }

  @Test func tableAligns() {
    var table = TextTable(("task", .left), ("loss", .right))
    table.add("a", "1.25")
    table.add("longer", "10.5")
    table.add("b")
    #expect(table.lines == ["task    loss", "a       1.25", "longer  10.5", "b"])
  }

  private var table: MeasurementTable {
    var table = MeasurementTable([("name", "name"), ("rate", "tok/s"), ("n", "n")])
    table.add([.text("a, \"b\""), .real(12.345, digits: 1), .integer(7)])
    table.add([.text("c"), .real(.nan, digits: 1), .empty])
    return table
  }

  @Test func markdownAlignsNumbers() {
    #expect(
      table.text(.md) == """
        | name   | tok/s |   n |
        | ------ | ----: | --: |
        | a, "b" |  12.3 |   7 |
        | c      |     - |     |
        """)
  }

  @Test func csvQuotesAndKeepsDigits() {
    #expect(table.text(.csv) == "name,rate,n\n\"a, \"\"b\"\"\",12.345,7\nc,,")
  }

  @Test func jsonHasKeysAndNulls() throws {
    let rows = try #require(try JSONValue(parsing: Array(table.text(.json).utf8)).array)
    #expect(rows.count == 2)
    #expect(rows[0]["rate"]?.double == 12.345)
    #expect(rows[0]["name"]?.string == "a, \"b\"")
    #expect(rows[1]["rate"]?.isNull == true && rows[1]["n"]?.isNull == true)
  }

  @Test(arguments: [
    (0.95, true), (0.949, false), (1.2, true), (Double.nan, false), (Double.infinity, false),
  ])
  func oneSidedLimit(value: Double, holds: Bool) {
    let (_, all) = MeasuredRatio.check(
      [.init("bits_3_by_4", "x", value)], against: .standard)
    #expect(all == holds)
  }

  @Test func limitsFromTextReplaceTheStandard() throws {
    var limits = RatioLimits.standard
    try limits.set("two_threads_by_one: 1.5", location: "here")
    try limits.set("cost_over_layers: 0.8..1.3", location: "here")
    try limits.set("width_marginal_cost: ..2.5", location: "here")
    #expect(limits.ranges["two_threads_by_one"] == .init(least: 1.5))
    #expect(limits.ranges["cost_over_layers"] == .init(least: 0.8, greatest: 1.3))
    #expect(limits.ranges["width_marginal_cost"] == .init(greatest: 2.5))
    #expect(limits.ranges["bits_2_by_4"] == RatioLimits.standard.ranges["bits_2_by_4"])
    for bad in [
      "two_threads_by_one", "two_threads_by_one: fast", "speed: 2", "width_marginal_cost: ..",
    ] {
      #expect(throws: RatioLimitsError.self, "\(bad)") { try limits.set(bad, location: "here") }
    }
  }

  @Test func limitsFromAFile() throws {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("peqa-limits-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    try "# of this machine\nblock_share_of_peak: 0.5  # for now\n\n".write(
      toFile: path, atomically: true, encoding: .utf8)
    #expect(try RatioLimits.read(path).ranges["block_share_of_peak"] == .init(least: 0.5))
  }

  @Test func tableSaysWhatFailed() {
    let (table, holds) = MeasuredRatio.check(
      [.init("two_threads_by_one", "block", 1.5), .init("bits_2_by_4", "block", 1.0)],
      against: .standard)
    #expect(!holds)
    let lines = table.text(.md).split(separator: "\n")
    #expect(lines[2].contains("NO") && lines[2].contains("at least 1.9"))
    #expect(!lines[3].contains("NO"))
  }
}
