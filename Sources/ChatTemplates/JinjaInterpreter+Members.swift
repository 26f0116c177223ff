extension JinjaInterpreter {
  /// Where a key stands among members; keys are compared by bytes, and each look is charged.
  private mutating func index(
    of key: String, in members: [JinjaValue.Member]
  ) throws(ChatTemplateError) -> Int? {
    let length = key.utf8.count
    for (index, member) in members.enumerated() {
      let sameLength = member.key.utf8.count == length
      try charge(sameLength ? 8 + length : 8)
      if sameLength, member.key.utf8.elementsEqual(key.utf8) { return index }
    }
    return nil
  }

  mutating func value(
    of key: String, in members: [JinjaValue.Member]
  ) throws(ChatTemplateError) -> JinjaValue? {
    try index(of: key, in: members).map { members[$0].value }
  }

  /// Sets a member or adds it at the end.
  mutating func set(
    _ key: String, _ value: JinjaValue, in members: inout [JinjaValue.Member]
  ) throws(ChatTemplateError) {
    if let index = try index(of: key, in: members) {
      members[index].value = value
    } else {
      try charge(key.utf8.count + MemoryLayout<JinjaValue.Member>.stride)
      members.append(JinjaValue.Member(key: key, value: value))
    }
  }

  /// `object.name`
  mutating func attribute(
    _ name: String, of object: JinjaValue
  ) throws(ChatTemplateError) -> JinjaValue {
    switch object {
    case .undefined(let what): throw error("\"\(what)\" is undefined, so it has no \"\(name)\"")
    case .dictionary(let members): return try value(of: name, in: members) ?? .undefined(name)
    case .namespace(let index):
      return try value(of: name, in: namespaces[index]) ?? .undefined(name)
    default: return .undefined(name)
    }
  }

  /// `a.b.c`
  mutating func member(
    _ path: String, of value: JinjaValue
  ) throws(ChatTemplateError) -> JinjaValue {
    try charge(path.utf8.count)
    var value = value
    for name in path.split(separator: ".") { value = try attribute(String(name), of: value) }
    return value
  }
}
