import JSONText
import RunHistory
import Testing

@Suite struct RunMetricsTests {
  private func metrics(_ text: String) -> RunMetrics { RunMetrics(parsing: Array(text.utf8)) }

  @Test func curvesByName() {
    let read = metrics(
      #"{"step":1,"loss":3.5,"grad_norm":0.5}"# + "\n" + #"{"step":2,"loss":3.25}"# + "\n"
        + #"{"step":2,"eval_loss":3,"perplexity":20.0}"# + "\n")
    #expect(read[.loss] == [.init(step: 1, value: 3.5), .init(step: 2, value: 3.25)])
    #expect(read.last(.gradientNorm) == .init(step: 1, value: 0.5))
    #expect(read.bestEvaluation == .init(step: 2, value: 3))
    #expect(read.lastStep == 2 && read.badLines == 0 && !read.isCutShort)
  }

  @Test func aTornLastLineIsNoFault() {
    let read = metrics("{\"step\":1,\"loss\":3}\n{\"step\":2,\"lo")
    #expect(read[.loss].count == 1 && read.badLines == 0 && read.isCutShort)
  }

  @Test(arguments: [
    "nonsense", "[1]", "{}", #"{"step":-1,"loss":1}"#, #"{"step":1.5,"loss":1}"#,
    #"{"step":"1","loss":1}"#, #"{"step":1e300,"loss":1}"#, "{\"step\":1,\"loss\":NaN}",
    "\u{1}",
  ])
  func badLinesAreCountedAndPassedOver(line: String) {
    let read = metrics(#"{"step":1,"loss":3}"# + "\n\(line)\n" + #"{"step":2,"loss":2}"# + "\n")
    #expect(read.badLines == 1)
    #expect(read[.loss].map(\.value) == [3, 2])
  }

  @Test func linesOfAMegabyteAreNotRead() {
    let line = #"{"step":1,"x":""# + String(repeating: "a", count: 1 << 20) + #""}"#
    #expect(metrics(line + "\n").badLines == 1)
  }

  @Test func whatIsNoNumberIsLeftOut() {
    let read = metrics(
      #"{"step":1,"loss":"3","grad_norm":null,"perplexity":1e400,"epoch":1}"# + "\n")
    // 1e400 makes the whole line unreadable: JSON readers disagree on it.
    #expect(read.badLines == 1 || read[.loss].isEmpty)
    #expect(metrics(#"{"step":1,"loss":"3","epoch":1}"# + "\n")[.loss].isEmpty)
  }

  @Test func laterRecordsReplaceThoseBeyondThem() {
    let steps = [1, 2, 3, 4, 2, 3].enumerated().map { "{\"step\":\($1),\"loss\":\($0)}\n" }
    let read = metrics(steps.joined())
    #expect(read[.loss].map(\.step) == [1, 2, 3])
    #expect(read[.loss].map(\.value) == [0, 4, 5])
  }

  /// Of earlier lines the evaluations alone, wherever the border falls; the newest lines as ever.
  @Test(arguments: [0, 1, 2, 3, 7, 8, 100], ["", "{\"step\":9,\"lo"])
  func recentLinesAlone(count: Int, torn: String) {
    let lines = (1...8).map { step in
      step % 3 == 0
        ? "{\"step\":\(step),\"eval_loss\":\(step)}\n" : "{\"step\":\(step),\"loss\":\(step)}\n"
    }
    let read = RunMetrics(parsing: Array((lines.joined() + torn).utf8), recent: count)
    #expect(read[.evalLoss].map(\.step) == [3, 6])
    let kept = (1...8).suffix(count).filter { $0 % 3 != 0 }
    #expect(read[.loss].map(\.step) == Array(kept))
    #expect(read.badLines == 0 && read.isCutShort == !torn.isEmpty)
  }
}
