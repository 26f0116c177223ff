import Evaluation
import Foundation
import TestSupport
import Testing

@Suite struct TaskDefinitionTests {
  private static let good = """
    task: own
    validation_split: own.jsonl
    doc_to_text: "{{question}}"
    doc_to_choice: [yes, no]
    doc_to_target: answer
    metric_list: [acc]

    """

  @Test func shippedTasksAreRead() throws {
    for task in TaskDefinition.shipped {
      #expect(try TaskDefinition.named(task.name).name == task.name)
    }
  }

  @Test(arguments: [
    ("metrics: [acc]", 7, "unknown key \"metrics\""), ("num_fewshot: -1", 7, "whole number"),
    ("output_type: rolling", 7, "is not known"), ("fewshot_split: dev", 1, "names no files"),
    ("task: again", 1, "given twice"), ("description: '{{ a'", 7, "description"),
    ("description: '{% if %}'", 7, "description"), ("multiple_input: maybe", 7, "true or false"),
    ("output_type: loglikelihood", 1, "has no doc_to_choice"),
    ("fewshot_config: {seed: 3}", 7, "unknown key \"seed\""), ("fields: 3", 7, "keys with values"),
    ("training_split: [{file: a}]", 7, "unknown key \"file\""), ("a: [", 8, "not YAML"),
    ("num_fewshot: []", 7, "expected a text"), ("record: {answer: number}", 7, "is not known"),
    ("record: [answer]", 7, "keys with values"), ("record: {answer: [integer, 3]}", 7, "not known"),
  ])
  func faultsHaveAPlace(line: String, number: Int, reason: String) {
    let error = #expect(throws: TaskError.self) {
      try TaskDefinition(yaml: Self.good + line + "\n", path: "own.yaml")
    }
    guard case .definition("own.yaml", let place, let found)? = error else {
      Issue.record("\(line): another error")
      return
    }
    #expect(place == number && found.contains(reason), "\(line): \(found)")
  }

  @Test(arguments: ["task", "doc_to_text", "doc_to_target", "metric_list", "validation_split"])
  func missingKeys(key: String) {
    let lines = Self.good.split(separator: "\n").filter { !$0.hasPrefix(key) }
    #expect(throws: TaskError.self) {
      try TaskDefinition(yaml: lines.joined(separator: "\n"), path: "own.yaml")
    }
  }

  /// A task of the user's own file, its data, and every way in which a record can be wrong.
  @Test(arguments: [
    ("{\"question\": \"Is it?\", \"answer\": 0}", nil),
    ("{\"question\": \"Is it?\", \"answer\": \"no\"}", nil),
    ("{\"question\": \"Is it?\", \"answer\": 2}", "none of the choices"),
    ("{\"question\": \"Is it?\", \"answer\": \"1\"}", "none of the choices"),
    ("{\"question\": \"Is it?\"}", "none of the choices"),
    ("{\"answer\": 1}", "\"question\" is undefined"), ("[1]", "expected an object"),
    ("{\"question\": \"a\",", "not JSON"), ("", "no items"),
  ])
  func records(record: String, reason: String?) throws {
    let folder = try TemporaryFolder()
    let file = try folder.put("own.yaml", Self.good)
    try folder.put(
      "own.jsonl",
      record.isEmpty ? "" : "{\"question\": \"Was it?\", \"answer\": 1}\n\(record)\n")
    do {
      let set = try TaskSet.load(file, from: TaskData(folder: folder.path))
      #expect(reason == nil && set.itemCount == 2)
    } catch {
      let text = "\(error)"
      #expect(reason.map { text.contains($0) } ?? false, "\(text)")
      #expect(record.isEmpty || text.contains("own.jsonl:2"), "\(text)")
    }
  }

  /// What a template would make a text, a choice or the first label of.
  @Test(arguments: [
    ("piqa", "{'goal': null, 'sol1': 'a', 'sol2': 'b', 'label': 0}", "\"goal\": expected a string"),
    ("piqa", "{'goal': 'g', 'sol1': 'a', 'label': 0}", "\"sol2\" is missing"),
    ("piqa", "{'goal': 'g', 'sol1': 'a', 'sol2': 'b', 'label': true}", "whole number, not true"),
    ("boolq", "{'passage': 'p', 'question': 'q', 'answer': 'yes'}", "boolean, not \"yes\""),
    ("boolq", "{'passage': 'p', 'question': 'q'}", "\"answer\" is undefined"),
    ("boolq", "{'passage': 'p', 'question': 'q', 'label': 2}", "none of the choices"),
    (
      "mmlu", "{'subject': 's', 'question': 'q', 'choices': 'abcd', 'answer': 1}",
      "array of strings"
    ),
    (
      "mmlu", "{'subject': 's', 'question': 'q', 'choices': ['a', 'b', 'c', 'd'], 'answer': 'BC'}",
      "\"BC\" is undefined"
    ),
    ("winogrande", "{'sentence': 'a _ b', 'option1': 'a', 'option2': 3, 'answer': 1}", "a string"),
    ("lambada", "{'text': ['a']}", "expected a string, not an array"),
    (
      "hellaswag",
      "{'activity_label': 'a', 'ctx_a': 'b', 'ctx_b': '', 'endings': ['c', null], 'label': 0}",
      "array of strings"
    ),
  ])
  func recordsOfShippedTasks(task: String, record: String, reason: String) throws {
    let folder = try TemporaryFolder()
    let files = [
      "piqa": "validation", "boolq": "dev", "mmlu": "test", "winogrande": "dev", "lambada": "test",
      "hellaswag": "validation",
    ]
    let name = try #require(files[task])
    try folder.put(
      "\(task)/\(name).jsonl", record.replacingOccurrences(of: "'", with: "\"") + "\n")
    let error = #expect(throws: TaskError.self) {
      try TaskSet.load(task, from: TaskData(folder: folder.path))
    }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains(reason) && text.contains("\(name).jsonl:1"), "\(text)")
  }

  @Test func missingFilesAreNamed() throws {
    let folder = try TemporaryFolder()
    do {
      _ = try TaskSet.load("piqa", from: TaskData(folder: folder.path))
      Issue.record("piqa was found")
    } catch {
      for part in [
        "piqa/valid.jsonl with piqa/valid-labels.lst", "piqa/valid*.json*", folder.path,
      ] {
        #expect("\(error)".contains(part))
      }
    }
  }

  @Test func labelsMustFit() throws {
    let folder = try TemporaryFolder()
    try folder.put("piqa/valid.jsonl", "{\"goal\": \"g\", \"sol1\": \"a\", \"sol2\": \"b\"}\n")
    for (labels, reason) in [("0\n1\n", "2 labels for 1 records"), ("x\n", "whole number")] {
      try folder.put("piqa/valid-labels.lst", labels)
      do {
        _ = try TaskSet.load("piqa", from: TaskData(folder: folder.path))
        Issue.record("labels were taken")
      } catch { #expect("\(error)".contains(reason), "\(error)") }
    }
  }
}
