package import JSONText

extension JSONValue {
  /// What a count in a file may be: what JSON readers hold exactly, and far from any overflow.
  private static let counts = 0...(1 << 53)

  /// The value as a count: a number of things, a step; nil where it is none.
  package var count: Int? { int.flatMap { Self.counts.contains($0) ? $0 : nil } }

  /// A member that is a count; 0 where it is none.
  func count(_ key: String) -> Int { self[key]?.count ?? 0 }
}
