import Foundation
import JSONText
internal import Kernels
internal import Quantization
import Testing

/// A layer, inputs of it, and what Double says of both.
private struct Layer {
  let rows, columns: Int
  let weights: [Float]
  /// H as the product of inputs, [I, I].
  let moments: [Double]

  init(rows: Int, columns: Int, weights: [Float], inputs: [Float]) {
    (self.rows, self.columns, self.weights) = (rows, columns, weights)
    var sums = [Double](repeating: 0, count: columns * columns)
    for t in 0..<inputs.count / columns {
      for i in 0..<columns {
        for j in 0..<columns {
          sums[i * columns + j] +=
            Double(inputs[t * columns + i]) * Double(inputs[t * columns + j])
        }
      }
    }
    moments = sums
  }

  /// Correlated inputs, some columns far larger than others.
  init(rows: Int, columns: Int, tokens: Int, seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let weights = random.weights(rows * columns)
    var inputs = random.weights(tokens * columns)
    for t in 0..<tokens {
      for i in 1..<columns {
        inputs[t * columns + i] += 0.7 * inputs[t * columns + i - 1]
        if i % 7 == 3 { inputs[t * columns + i] *= 4 }
      }
    }
    self.init(rows: rows, columns: columns, weights: weights, inputs: inputs)
  }

  func inputMoments(ordersColumns: Bool = false) -> InputMoments {
    let sums = NumberBuffer<Double>(count: moments.count)
    _ = sums.elements.update(fromContentsOf: moments)
    return InputMoments(sums, columns: columns, ordersColumns: ordersColumns)
  }

  /// H as quantization sees it: in units of the mean of the diagonal, 0.01 of it added.
  var damped: [Double] {
    let mean = (0..<columns).reduce(0.0) { $0 + moments[$1 * columns + $1] } / Double(columns)
    return moments.enumerated().map { index, value in
      value / mean + (index % (columns + 1) == 0 ? 0.01 : 0)
    }
  }

  /// e H e^T over all rows, for `h` [I, I].
  func outputError(_ quantized: [Float], _ h: [Double]) -> Double {
    var sum = 0.0
    for row in 0..<rows {
      let e = (0..<columns).map {
        Double(quantized[row * columns + $0]) - Double(weights[row * columns + $0])
      }
      for i in 0..<columns {
        for j in 0..<columns { sum += e[i] * h[i * columns + j] * e[j] }
      }
    }
    return sum
  }

  func quantized(
    _ settings: QuantizationSettings, rounds: Int, ordersColumns: Bool = false, threads: Int = 1,
    feedsErrorsBack: Bool = true, grids: (scales: [Float], zeros: [Int])? = nil
  ) throws -> [QuantizedRows] {
    try weights.withUnsafeBufferPointer {
      try CalibratedQuantizer(settings, rounds: rounds, feedsErrorsBack: feedsErrorsBack)
        .quantize(
          $0, rows: rows, for: inputMoments(ordersColumns: ordersColumns), grids: grids,
          pool: WorkerPool(threads: threads))
    }
  }
}

/// The inverse by Gauss-Jordan elimination; nothing of it is in the code under test.
private func inverse(_ matrix: [Double], _ n: Int) -> [Double] {
  var a = matrix
  var result = [Double](repeating: 0, count: n * n)
  for i in 0..<n { result[i * n + i] = 1 }
  for i in 0..<n {
    let pivot = a[i * n + i]
    for j in 0..<n {
      a[i * n + j] /= pivot
      result[i * n + j] /= pivot
    }
    for k in 0..<n where k != i {
      let factor = a[k * n + i]
      for j in 0..<n {
        a[k * n + j] -= factor * a[i * n + j]
        result[k * n + j] -= factor * result[i * n + j]
      }
    }
  }
  return result
}

@Suite struct CalibratedQuantizerTests {
  private static let forms = [
    QuantizationSettings(bits: 3, groupSize: -1), QuantizationSettings(bits: 2, groupSize: 32),
    QuantizationSettings(bits: 4, groupSize: 32, symmetric: true),
  ]

  /// Rounds column after column by the definition: after each the best change of all later columns,
  /// by the inverse of what is left of H (Optimal Brain Quantization, arXiv 2208.11580).
  @Test(arguments: forms, [false, true])
  func roundsAsTheDefinitionSays(settings: QuantizationSettings, ordersColumns: Bool) throws {
    let layer = Layer(rows: 5, columns: 96, tokens: 200, seed: 3)
    let (h, n) = (layer.damped, layer.columns)
    let parts = try layer.quantized(settings, rounds: 0, ordersColumns: ordersColumns)
    let found = QuantizedRows(parts).rows
    let order = (0..<n).sorted {
      ordersColumns ? layer.moments[$0 * (n + 1)] > layer.moments[$1 * (n + 1)] : $0 < $1
    }
    var work = layer.weights.map { Double($0) }
    var rounded = [Float](repeating: 0, count: work.count)
    for step in 0..<n {
      let left = Array(order[step...])
      let block = left.flatMap { i in left.map { h[i * n + $0] } }
      let inverted = inverse(block, left.count)
      for row in 0..<layer.rows {
        let (i, group) = (order[step], order[step] / found.layout.groupSize)
        let grid = found.grid(row: row, group: group)
        let code = (work[row * n + i] / grid.scale + grid.zero).rounded(.toNearestOrEven)
        let stored = min(max(code, 0), Double(found.layout.maximumCode))
        let value = grid.scale * (stored - grid.zero)
        rounded[row * n + i] = Float(value)
        let error = (work[row * n + i] - value) / inverted[0]
        for (place, j) in left.enumerated() { work[row * n + j] -= error * inverted[place] }
      }
    }
    // fp32 against Double: a weight may lie so near to the middle of two codes that they differ,
    // and then all later ones of its row may.
    let actual = found.dequantized()
    let same = zip(actual, rounded).count { abs($0 - $1) <= 1e-6 }
    #expect(Double(same) >= 0.95 * Double(actual.count), "\(same) of \(actual.count)")
    let (own, expected) = (layer.outputError(actual, h), layer.outputError(rounded, h))
    #expect(abs(own - expected) <= 0.02 * expected, "\(own), \(expected)")
  }

  @Test(arguments: forms)
  func eachPartLowersTheErrorOfTheOutput(settings: QuantizationSettings) throws {
    let layer = Layer(rows: 40, columns: 160, tokens: 400, seed: 9)
    let h = layer.damped
    func error(_ parts: [QuantizedRows]) -> Double {
      layer.outputError(QuantizedRows(parts).rows.dequantized(), h)
    }
    let pool = WorkerPool(threads: 1)
    let plain = try layer.weights.withUnsafeBufferPointer {
      try RowQuantizer(settings).quantize(
        $0, rows: layer.rows, columns: layer.columns, pool: pool)
    }
    let rounding = layer.outputError(plain.rows.dequantized(), h)
    let diagonal = error(try layer.quantized(settings, rounds: 0, feedsErrorsBack: false))
    let feedback = error(try layer.quantized(settings, rounds: 0))
    let one = error(try layer.quantized(settings, rounds: 1))
    let four = error(try layer.quantized(settings, rounds: 4))
    #expect(diagonal < rounding)
    #expect(feedback < 0.8 * diagonal)
    #expect(one < feedback)
    #expect(four <= one)
  }

  /// Errors are sums of products in fp32: off by some 2^-24 times the root of their number, and
  /// more where they nearly cancel.
  @Test func errorsAreWhatTheCodesGive() throws {
    let layer = Layer(rows: 40, columns: 160, tokens: 400, seed: 10)
    let result = QuantizedRows(
      try layer.quantized(QuantizationSettings(bits: 3, groupSize: 32), rounds: 4))
    let actual = layer.outputError(result.rows.dequantized(), layer.damped)
    let zero = [Float](repeating: 0, count: layer.weights.count)
    #expect(abs(result.outputError - actual) < 1e-3 * actual)
    let norm = layer.outputError(zero, layer.damped)
    #expect(abs(result.outputNorm - norm) < 1e-4 * norm)
    let squared = zip(layer.weights, result.rows.dequantized()).reduce(0.0) {
      $0 + Double($1.0 - $1.1) * Double($1.0 - $1.1)
    }
    #expect(abs(result.squaredError - squared) < 1e-4 * squared)
  }

  @Test func threadsAndCutsDoNotShow() throws {
    let layer = Layer(rows: 100, columns: 96, tokens: 200, seed: 4)
    let settings = QuantizationSettings(bits: 3, groupSize: 32)
    let whole = QuantizedRows(try layer.quantized(settings, rounds: 4))
    #expect(QuantizedRows(try layer.quantized(settings, rounds: 4, threads: 3)) == whole)
    let cut = 2 * CalibratedQuantizer.chunkRows
    let parts = try layer.weights.withUnsafeBufferPointer { all in
      try [0..<cut, cut..<layer.rows].flatMap { rows in
        try CalibratedQuantizer(settings).quantize(
          UnsafeBufferPointer(
            rebasing: all[rows.lowerBound * layer.columns..<rows.upperBound * layer.columns]),
          rows: rows.count, for: layer.inputMoments(), pool: WorkerPool(threads: 1))
      }
    }
    #expect(QuantizedRows(parts) == whole)
  }

  /// Codes of GPTQModel for the same layer, inputs and grid (Fixtures/make_gptq.py): the same but
  /// where fp32 falls on the other side of the middle of two codes, and no larger error.
  @Test func agreesWithGPTQModel() throws {
    let path = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Fixtures/gptq.json")
    let cases = try JSONValue(parsing: String(contentsOf: path, encoding: .utf8))
    for golden in try #require(cases.array) {
      func numbers(_ key: String) throws -> [Double] {
        try #require(golden[key]?.array).map { try #require($0.double) }
      }
      func integer(_ key: String) throws -> Int { try #require(golden[key]?.int) }
      let layer = Layer(
        rows: try integer("rows"), columns: try integer("columns"),
        weights: try numbers("weights").map { Float($0) },
        inputs: try numbers("inputs").map { Float($0) })
      let settings = QuantizationSettings(
        bits: try integer("bits"), groupSize: try integer("group_size"))
      let (scales, zeros) = (
        try numbers("scales").map { Float($0) }, try numbers("zeros").map { Int($0) }
      )
      let orders = golden["act_order"]?.bool == true
      func codes(rounds: Int) throws -> [UInt8] {
        let rows = QuantizedRows(
          try layer.quantized(
            settings, rounds: rounds, ordersColumns: orders, grids: (scales, zeros))
        ).rows
        return (0..<layer.rows).flatMap { row in
          var codes = [UInt8](repeating: 0, count: layer.columns)
          codes.withUnsafeMutableBufferPointer { rows.unpack(row: row, into: $0) }
          return codes
        }
      }
      func error(_ codes: [UInt8]) -> Double {
        let groups = scales.count / layer.rows
        let size = layer.columns / groups
        let weights = codes.enumerated().map { index, code in
          let (row, column) = (index / layer.columns, index % layer.columns)
          let place = row * groups + column / size
          return scales[place] * (Float(code) - Float(zeros[place]))
        }
        return layer.outputError(weights, layer.moments)
      }
      let theirs = try numbers("codes").map { UInt8($0) }
      let ours = try codes(rounds: 0)
      let same = zip(ours, theirs).count { $0 == $1 }
      #expect(Double(same) >= 0.98 * Double(theirs.count), "\(same) of \(theirs.count)")
      #expect(error(ours) <= 1.005 * error(theirs))
    }
  }

  @Test func inputsOfNothingButZerosAreNoReasonToFail() throws {
    let layer = Layer(
      rows: 4, columns: 64, weights: (0..<256).map { Float($0 % 13) - 6 },
      inputs: [Float](repeating: 0, count: 640))
    let result = QuantizedRows(
      try layer.quantized(QuantizationSettings(bits: 4), rounds: 4))
    #expect(result.squaredError < 0.02 * result.squaredNorm)
  }

  @Test func namesWeightsThatAreNoNumbers() throws {
    var weights = [Float](repeating: 1, count: 256)
    weights[130] = .nan
    let layer = Layer(
      rows: 4, columns: 64, weights: weights, inputs: [Float](repeating: 1, count: 64))
    #expect(throws: QuantizationError.notFinite(row: 2, column: 2)) {
      try layer.quantized(QuantizationSettings(bits: 4), rounds: 1)
    }
  }

  /// The first row counts, also where another one is met before it: groups of the first columns get
  /// their grids first.
  @Test(arguments: [true, false])
  func namesTheRowWhoseScaleDoesNotFit(feedsErrorsBack: Bool) throws {
    var random = SplitMix64(seed: 3)
    let (rows, columns) = (CalibratedQuantizer.chunkRows + 8, 192)
    var weights = random.weights(rows * columns)
    let first = CalibratedQuantizer.chunkRows + 2
    weights[first * columns + 170] = 1e7
    weights[(first + 3) * columns + 5] = 1e7
    let layer = Layer(
      rows: rows, columns: columns, weights: weights, inputs: random.weights(40 * columns))
    #expect(throws: QuantizationError.scaleOverflow(row: first, group: 5)) {
      try layer.quantized(
        QuantizationSettings(bits: 4, groupSize: 32), rounds: 1, feedsErrorsBack: feedsErrorsBack)
    }
  }
}
