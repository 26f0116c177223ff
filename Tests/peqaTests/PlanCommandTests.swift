import JSONText
import TestSupport
import Testing

@Suite struct PlanCommandTests {
  @Test func theCommandPlansWhatIsNotThere() throws {
    let folder = try TemporaryFolder()
    let runFile = try folder.put(
      "r.yaml",
      """
      model: llama-65b
      bits: 3
      datasets: [{path: d.jsonl}]
      output_dir: out
      max_steps: 100
      """)
    func plan(_ memory: Int) throws -> (code: Int32, json: JSONValue?) {
      let cluster = try folder.put(
        "c.yaml",
        "hosts: [a, b, c, d]\ncores: 16\ncore_gflops: 100\nmemory_gb: \(memory)\nnetwork_gbit: 10\n"
      )
      let ran = try CommandLineTests().run([
        "plan", runFile, "--cluster", cluster, "--json",
      ])
      return (ran.code, try? JSONValue(parsing: Array(ran.output.utf8)))
    }
    let fitting = try plan(64)
    #expect(fitting.code == 0)
    let json = try #require(fitting.json)
    #expect(json["plan"]?["fits"]?.bool == true && json["threads_per_rank"]?.int == 16)
    #expect(json["scaling"]?.array?.count == 7)
    let seconds = try #require(json["plan"]?["seconds_per_step"]?.double)
    let all = try #require(json["run_seconds"]?.double)
    #expect(abs(all / seconds - 100) < 1e-6)
    #expect(try plan(1).code == 78)
  }
}
