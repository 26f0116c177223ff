package import Checkpoints

/// How far the numbers of some place have moved from a to b, by (b - a) / a.
package struct ScaleMovement: Sendable, Equatable {
  package private(set) var count = 0
  /// Numbers that differ.
  package private(set) var changed = 0
  /// Numbers that are 0 in a and not in b: they have no relative difference, and no part in `rms`
  /// and `largest`.
  package private(set) var fromZero = 0
  /// |(b - a) / a|, the largest.
  package private(set) var largest = 0.0
  private var squares = 0.0

  package init() {}

  /// Root of the mean square of (b - a) / a, over all numbers that have one.
  package var rms: Double {
    count > fromZero ? (squares / Double(count - fromZero)).squareRoot() : 0
  }
  package var changedShare: Double { count > 0 ? Double(changed) / Double(count) : 0 }

  mutating func add(_ a: Double, _ b: Double) {
    count += 1
    guard a != b else { return }
    changed += 1
    guard a != 0 else {
      fromZero += 1
      return
    }
    let difference = (b - a) / a
    largest = max(largest, difference.magnitude)
    squares += difference * difference
  }

  mutating func add(_ other: ScaleMovement) {
    count += other.count
    changed += other.changed
    fromZero += other.fromZero
    largest = max(largest, other.largest)
    squares += other.squares
  }
}

/// What lies between two adapters, or between a base and what training has made of its scales.
package struct AdapterDifference: Sendable {
  package struct Tensor: Sendable {
    package let declaration: TensorDeclaration
    package let place: AdapterPlace
    package let movement: ScaleMovement
  }

  /// One row of a matrix: all its groups, or its one gain.
  package struct Row: Sendable {
    package let tensor: String
    package let place: AdapterPlace
    package let row: Int
    package let movement: ScaleMovement
  }

  package fileprivate(set) var all = ScaleMovement()
  package fileprivate(set) var tensors: [Tensor] = []
  /// The rows that have moved most by `rms`, the most first.
  package fileprivate(set) var rows: [Row] = []

  /// No number differs.
  package var isIdentical: Bool { all.changed == 0 }

  /// By layer, in the order of the file; nil where a name has no number of a layer.
  package var layers: [(key: Int?, movement: ScaleMovement)] { groups(\.layer) }

  /// By kind of layer, in the order of the file.
  package var kinds: [(key: String, movement: ScaleMovement)] { groups(\.kind) }

  private func groups<Key: Hashable>(
    _ key: (AdapterPlace) -> Key
  ) -> [(key: Key, movement: ScaleMovement)] {
    var groups: [(key: Key, movement: ScaleMovement)] = []
    var positions: [Key: Int] = [:]
    for tensor in tensors {
      let key = key(tensor.place)
      let position = positions[key] ?? groups.count
      if position == groups.count {
        positions[key] = position
        groups.append((key, ScaleMovement()))
      }
      groups[position].movement.add(tensor.movement)
    }
    return groups
  }
}

/// Where a tensor of an adapter belongs, by its name.
package struct AdapterPlace: Sendable, Equatable {
  /// The first number in the name.
  package let layer: Int?
  /// What follows it without `.scales` or `.gains`, with `*` for the number of an expert. Zero
  /// points are a kind of their own, with `.zeros`.
  package let kind: String

  package init(tensor name: String) {
    let isZeros = name.hasSuffix(AdapterScales.zerosSuffix)
    var parts = name.split(separator: ".", omittingEmptySubsequences: false)
      .dropLast(isZeros ? 0 : 1)
    let position = parts.firstIndex { Int($0) != nil }
    layer = position.flatMap { Int(parts[$0]) }
    if let position { parts = parts[(position + 1)...] }
    kind = parts.map { Int($0) == nil ? String($0) : "*" }.joined(separator: ".")
  }
}

extension AdapterArithmetic {
  /// How far the second operand lies from the first.
  ///
  /// - Parameter top: how many rows are named.
  package func difference(top: Int) -> AdapterDifference {
    precondition(operands.count == 2, "a difference is between two")
    var difference = AdapterDifference()
    for tensor in model.tensors {
      let (a, b) = (operands[0].numbers(of: tensor), operands[1].numbers(of: tensor))
      let place = AdapterPlace(tensor: tensor.name)
      let width = max(tensor.shape.dropFirst().reduce(1, *), 1)
      var movement = ScaleMovement()
      for start in stride(from: 0, to: a.count, by: width) {
        var row = ScaleMovement()
        for i in start..<(start + width) { row.add(a[i], b[i]) }
        movement.add(row)
        guard row.changed > 0 else { continue }
        difference.rows.append(
          .init(tensor: tensor.name, place: place, row: start / width, movement: row))
      }
      difference.keepRows(top)
      difference.all.add(movement)
      difference.tensors.append(.init(declaration: tensor, place: place, movement: movement))
    }
    return difference
  }
}

extension AdapterDifference {
  /// The rows that have moved most; equal ones stay in their order.
  fileprivate mutating func keepRows(_ top: Int) {
    let order = rows.indices.sorted { one, other in
      let (a, b) = (rows[one].movement, rows[other].movement)
      return (-a.rms, -a.fromZero, one) < (-b.rms, -b.fromZero, other)
    }
    rows = order.prefix(top).map { rows[$0] }
  }
}
