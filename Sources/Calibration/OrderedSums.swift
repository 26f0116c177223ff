internal import Collectives

/// Sums over sequences in their order, so that the digits are the same on any number of ranks.
enum OrderedSums {
  /// `parts` are this rank's, `width` numbers for each sequence; sequence i of `count` belongs to
  /// rank i modulo the number of ranks. Collective.
  static func add(
    _ parts: [[Double]], width: Int, of count: Int, _ communicator: Communicator
  ) throws -> [Double] {
    try gather(parts, width: width, of: count, communicator)
      .reduce([Double](repeating: 0, count: width)) { zip($0, $1).map(+) }
  }

  /// The parts of all ranks in their order; of anything that is shared out as sequences are.
  /// Collective.
  static func gather(
    _ parts: [[Double]], width: Int, of count: Int, _ communicator: Communicator
  ) throws -> [[Double]] {
    let own = parts.flatMap { $0 }.withUnsafeBytes { Array($0) }
    var all = [[Double]](repeating: [], count: count)
    for (rank, bytes) in try communicator.allGather(own).enumerated() {
      let values = bytes.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
      for (place, index) in stride(from: rank, to: count, by: communicator.size).enumerated() {
        all[index] = Array(values[place * width..<(place + 1) * width])
      }
    }
    return all
  }

  /// Sum of (x - y)^2, and of y^2.
  static func squares(
    _ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, count: Int
  ) -> [Double] {
    var (error, norm) = (0.0, 0.0)
    for i in 0..<count {
      let (value, difference) = (Double(y[i]), Double(x[i]) - Double(y[i]))
      error += difference * difference
      norm += value * value
    }
    return [error, norm]
  }
}
