/// On which tasks a run measures its model, and when; `evaluation` of a run file.
package struct TaskSettings: Sendable, Equatable {
  /// Names, TASK/PART, or absolute paths of files of tasks; empty where none are measured.
  package var tasks: [String] = []
  /// Examples before each item; nil for what the task says.
  package var fewShotCount: Int?
  /// Items of each task or part; nil for all.
  package var limit: Int?
  /// Folder of the tasks' data.
  package var dataFolder = ""
  /// Steps between evaluations; 0 evaluates at the end only.
  package var steps = 0

  package init() {}
}
