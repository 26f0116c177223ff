internal import ChatTemplates
package import JSONText

/// A record of a task's data.
package struct TaskDocument: Sendable, Equatable {
  package var members: [JSONValue.Member]
  /// `file:line`, or `file: element n`.
  package var location: String

  package init(members: [JSONValue.Member], location: String) {
    (self.members, self.location) = (members, location)
  }

  package var value: JSONValue { .object(members) }

  /// The same content; where it stands does not matter.
  func hasContent(of other: TaskDocument) -> Bool { members == other.members }

  subscript(_ name: String) -> JSONValue? {
    members.first { $0.key.utf8.elementsEqual(name.utf8) }?.value
  }

  mutating func set(_ name: String, _ value: JSONValue) {
    if let index = members.firstIndex(where: { $0.key.utf8.elementsEqual(name.utf8) }) {
      members[index].value = value
    } else {
      members.append(JSONValue.Member(key: name, value: value))
    }
  }

  /// With the fields of a definition.
  func adding(
    _ fields: [(name: String, template: TextTemplate)]
  ) throws(TaskError) -> TaskDocument {
    var document = self
    for field in fields {
      document.set(field.name, try document.value(of: field.template, called: field.name))
    }
    return document
  }

  /// What a template says of this record; a name of one of its members stands for that member.
  func value(
    of template: TextTemplate, called key: String, shots: Int = 0
  ) throws(TaskError) -> JSONValue {
    if let value = self[template.source] { return value }
    do throws(ChatTemplateError) { return try template.value(names(shots)) } catch {
      throw self.error("\(key): \(error.reason)")
    }
  }

  func text(
    of template: TextTemplate, called key: String, shots: Int = 0
  ) throws(TaskError) -> String {
    if let value = self[template.source] {
      guard let text = value.string else {
        throw error("\(key): \"\(template.source)\" is \(value.kind), not a string")
      }
      return text
    }
    do throws(ChatTemplateError) { return try template.text(names(shots)) } catch {
      throw self.error("\(key): \(error.reason)")
    }
  }

  /// What templates know: the members and the number of examples.
  private func names(_ shots: Int) -> [JSONValue.Member] {
    [JSONValue.Member(key: "num_fewshot", value: .integer(shots))] + members
  }

  func error(_ reason: String) -> TaskError { .record(location: location, reason: reason) }
}
