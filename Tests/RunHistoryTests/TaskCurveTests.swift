import JSONText
import RunHistory
import Testing

@Suite struct TaskCurveTests {
  private func curves(_ lines: [String]) -> [TaskCurve] {
    RunMetrics(parsing: Array(lines.map { $0 + "\n" }.joined().utf8)).tasks
  }

  private func line(_ step: Int, _ scores: String) -> String {
    "{\"step\":\(step),\"epoch\":1,\(scores),\"task_runtime\":1.5}"
  }

  @Test func curvesByTaskAndMetric() {
    let read = curves([
      line(
        5, #""mmlu_x/acc":0.25,"mmlu_x/acc_stderr":0.5,"a/b/rougeL":3,"a/b/rougeL_stderr":null"#),
      line(10, #""mmlu_x/acc":0.75,"mmlu_x/acc_stderr":0.125"#),
    ])
    #expect(read.map(\.task) == ["mmlu_x", "a/b"] && read.map(\.metric) == ["acc", "rougeL"])
    #expect(
      read.map(\.points) == [
        [.init(step: 5, value: 0.25, error: 0.5), .init(step: 10, value: 0.75, error: 0.125)],
        [.init(step: 5, value: 3, error: nil)],
      ])
  }

  /// Other records have no scores, whatever their members are called.
  @Test func recordsOfTasksAlone() {
    #expect(curves([#"{"step":1,"loss":2,"own/acc":0.5}"#]).isEmpty)
    #expect(curves([line(1, #""/acc":1,"own/":1,"own/acc":"1","own/x_stderr":1"#)]).isEmpty)
  }

  @Test func laterRecordsReplaceThoseBeyondThem() {
    let read = curves([5, 10, 15, 10].enumerated().map { line($1, "\"own/acc\":\($0)") })
    #expect(read.first?.points.map(\.step) == [5, 10])
    #expect(read.first?.points.map(\.value) == [0, 3])
  }

  @Test func aThousandCurvesAtMost() {
    let scores = (0..<400).map { "\"t\($0)/acc\":1" }
    let read = curves(
      (0..<4).map { batch in
        line(
          batch, scores.map { $0.replacing("/acc", with: "/acc\(batch)") }.joined(separator: ","))
      })
    #expect(read.count == 1000)
  }
}
