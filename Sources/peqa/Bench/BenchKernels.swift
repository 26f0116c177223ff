internal import ArgumentParser
internal import DecoderModel
internal import JSONText
internal import Kernels
internal import Machine
internal import Quantization
internal import Reporting
internal import Training

/// Every product of a linear layer by itself.
struct BenchKernels: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kernels",
    abstract: "Time the products of linear layers: forward, input gradient, scale gradient.",
    discussion: """
      GFLOP/s count 2 operations per weight and token; the scale gradient of rows is a dot product of \
      outputs (2 per row and token) and is bound by memory. 16 bits are a dense matrix.
      """)

  enum Operation: String, CaseIterable, ExpressibleByArgument {
    case forward
    case input = "input-gradient"
    case row = "row-gradient"
    case group = "group-gradient"
  }

  @Option(help: "Shapes whose linear layers are measured, separated by commas.")
  var shapes = "smollm2-135m,llama-7b"

  @Option(help: "Bits: 2, 3, 4, 5, 6, 8, or 16 for a dense matrix.")
  var bits = NumberList(2, 3, 4, 8, 16)

  @Option(parsing: .unconditional, help: "Weights that share a scale: -1, 32, 64, 128 or 256.")
  var groupSize = NumberList(-1, 64, 128)

  @Option(help: "Tokens.")
  var tokens = NumberList(1, 8, 128, 512)

  @Option(help: "Operations: forward, input-gradient, row-gradient, group-gradient; all if none.")
  var operation: [Operation] = []

  @OptionGroup var computing: ComputeOptions
  @OptionGroup var options: BenchOptions

  func validate() throws {
    let known = PackedLayout.supportedBits + [16]
    guard bits.values.allSatisfy(known.contains) else {
      throw ValidationError("--bits must be among \(known), not \(bits.values).")
    }
    guard
      groupSize.values.allSatisfy({ $0 == -1 || PackedLayout.supportedGroupSizes.contains($0) })
    else { throw ValidationError("--group-size must be -1, 32, 64, 128 or 256.") }
    guard tokens.values.allSatisfy({ (1...65_536).contains($0) }) else {
      throw ValidationError("--tokens must be from 1 to 65536.")
    }
  }

  func run() throws {
    let console = options.console
    let limits = try options.ratioLimits()
    let compute = try computing.compute(automatic: .ofOneProcess(console))
    let signals = StopSignals.install()
    let cases = try KernelCase.all(
      shapes: shapes.split(separator: ",").map(String.init), bits: bits.values,
      groupSizes: groupSize.values, tokens: tokens.values,
      operations: operation.isEmpty ? Operation.allCases : operation)
    var choices: [String] = []
    let (measured, peak) = try compute.besidePeak {
      try measure(cases, compute, console, signals, &choices)
    }
    let rows = measured.map { one, seconds, kernel in
      KernelRow(
        one: one, seconds: seconds, kernel: kernel, peak: peak.operations(of: compute),
        bandwidth: peak.bandwidth)
    }
    let chosen = JSONValue.Member(
      key: "chosen", value: .string(choices.joined(separator: "; ")))
    options.show(KernelRow.table(rows), context: compute.context(peak) + [chosen])
    try options.hold(rows.compactMap(\.ratio), to: limits)
  }

  /// Seconds and kernels of the cases; `choices` gets each kernel once, with the reason for it.
  private func measure(
    _ cases: [KernelCase], _ compute: Compute, _ console: Console, _ signals: StopSignals,
    _ choices: inout [String]
  ) throws -> [(KernelCase, Spread, String)] {
    let line = ProgressLine(console, "kernels", total: cases.count)
    var measured: [(KernelCase, Spread, String)] = []
    // Cases of one matrix follow each other, so it is made once.
    var held: (key: KernelCase.Matrix, numbers: KernelMatrix)?
    for (index, one) in cases.enumerated() {
      if let interruption = signals.interruption { throw interruption }
      if held?.key != one.matrix { held = (one.matrix, KernelMatrix(one.matrix)) }
      guard let numbers = held?.numbers else { continue }
      let seconds = one.measure(numbers, compute, repetitions: options.repetitions)
      let (kernel, reason) = compute.choice(for: numbers.weights, few: one.isDecoding)
      measured.append((one, seconds, kernel))
      if !choices.contains("\(kernel): \(reason)") { choices.append("\(kernel): \(reason)") }
      line.update(index + 1, one.name)
    }
    return measured
  }
}

/// One product to measure.
struct KernelCase {
  struct Matrix: Equatable {
    var shape: String
    var kind: LinearKind
    var rows: Int
    var columns: Int
    /// 16: dense.
    var bits: Int
    var groupSize: Int
  }

  var matrix: Matrix
  var operation: BenchKernels.Operation
  var tokens: Int

  var name: String {
    "\(matrix.shape) \(matrix.rows)x\(matrix.columns) \(matrix.bits)-bit g\(matrix.groupSize) "
      + "\(operation.rawValue) \(tokens)"
  }

  /// As generations compute them.
  var isDecoding: Bool { operation == .forward && tokens <= Compute.fewTokens }

  /// Two a multiply-add.
  var operations: Double {
    let outputs = Double(matrix.rows) * Double(tokens)
    return 2 * outputs * (operation == .row ? 1 : Double(matrix.columns))
  }

  /// Every product once: layers of one shape are one, dense matrices have no scales to train.
  static func all(
    shapes: [String], bits: [Int], groupSizes: [Int], tokens: [Int],
    operations: [BenchKernels.Operation]
  ) throws -> [KernelCase] {
    var list: [KernelCase] = []
    for shape in shapes {
      let config = try DecoderConfig.shape(shape)
      var seen: [(Int, Int)] = []
      for kind in config.block.kinds {
        let (rows, columns) = config.shape(of: kind)
        guard !seen.contains(where: { $0 == (rows, columns) }) else { continue }
        seen.append((rows, columns))
        for bits in bits {
          for group in bits == 16 ? [-1] : groupSizes {
            let matrix = Matrix(
              shape: shape, kind: kind, rows: rows, columns: columns, bits: bits, groupSize: group)
            for operation in operations {
              if operation == .group, group == -1 { continue }
              if operation == .row, bits == 16 { continue }
              for count in tokens {
                list.append(KernelCase(matrix: matrix, operation: operation, tokens: count))
              }
            }
          }
        }
      }
    }
    return list
  }

  /// Seconds of one call. Short ones are repeated until the clock can tell.
  func measure(_ numbers: KernelMatrix, _ compute: Compute, repetitions: Int) -> Spread {
    let x = KernelMatrix.random(tokens * matrix.columns)
    let dy = KernelMatrix.random(tokens * matrix.rows)
    let y = FloatBuffer(count: tokens * max(matrix.rows, matrix.columns))
    let sums = FloatBuffer(count: matrix.rows * numbers.weights.groups)
    func once() {
      switch operation {
      case .forward where isDecoding:
        let input = compute.decodeOperand(x.pointer, tokens: tokens, for: numbers.weights)
        compute.decode(
          Product(numbers.weights, into: y.pointer), input: input, tokens: tokens)
      case .forward:
        let input = compute.operand(x.pointer, tokens: tokens, for: numbers.weights)
        compute.forward(numbers.weights, input, tokens: tokens, into: y.pointer)
      case .input:
        compute.inputGradient(
          numbers.weights, dy.pointer, tokens: tokens, into: y.pointer, accumulating: false)
      case .row:
        _ = compute.rowGradients(
          numbers.weights, dy: dy.pointer, y: dy.pointer, sequenceRanges: [0..<tokens],
          wantsOperand: false, sums: sums.pointer)
      case .group:
        compute.groupGradient(
          numbers.weights, dy: dy.pointer, x: x.pointer, tokens: tokens, into: sums.pointer)
      }
    }
    func seconds(_ calls: Int) -> Double {
      let clock = Stopwatch()
      for _ in 0..<calls { once() }
      return clock.seconds / Double(calls)
    }
    let first = max(seconds(1), 1e-7)
    let calls = max(1, min(10_000, Int(5e-3 / first)))
    return Spread((0..<repetitions).map { _ in seconds(calls) })
  }
}

/// A random matrix in memory.
final class KernelMatrix {
  let weights: WeightMatrix
  private let data: NumberBuffer<UInt8>
  private let scales: NumberBuffer<UInt16>
  private let zeros: NumberBuffer<UInt8>

  init(_ matrix: KernelCase.Matrix) {
    var random = SplitMix64(seed: 3)
    guard matrix.bits != 16 else {
      // Exponents of bf16 near 1, whatever the bits say.
      data = NumberBuffer(count: matrix.rows * matrix.columns * 2)
      random.fill(UnsafeMutableRawBufferPointer(data.elements))
      for at in stride(from: 1, to: data.count, by: 2) {
        data.pointer[at] = data.pointer[at] & 0x80 | 0x3C
      }
      (scales, zeros) = (NumberBuffer(count: 0), NumberBuffer(count: 0))
      weights = WeightMatrix(
        dense: data.pointer, type: .bf16, rows: matrix.rows, columns: matrix.columns)
      return
    }
    let layout = PackedLayout(
      rows: matrix.rows, columns: matrix.columns, bits: matrix.bits, groupSize: matrix.groupSize)
    data = NumberBuffer(count: layout.byteCount)
    random.fill(UnsafeMutableRawBufferPointer(data.elements))
    scales = NumberBuffer(count: layout.rows * layout.groups)
    scales.elements.update(repeating: Float16(0.01).bitPattern)
    zeros = NumberBuffer(count: layout.rows * layout.groups)
    zeros.elements.update(repeating: UInt8(1 << (layout.bits - 1)))
    weights = WeightMatrix(
      codes: data.pointer, rows: layout.rows, columns: layout.columns, bits: layout.bits,
      groupSize: layout.groupSize, rowStride: layout.rowStride, scales: scales.pointer,
      offset: .zeros(zeros.pointer))
  }

  static func random(_ count: Int) -> FloatBuffer {
    var random = SplitMix64(seed: 5)
    let buffer = FloatBuffer(count: count)
    for index in buffer.elements.indices {
      buffer.pointer[index] = Float(random.unitInterval()) - 0.5
    }
    return buffer
  }
}

/// A measured product.
struct KernelRow {
  let one: KernelCase
  let seconds: Spread
  let kernel: String
  /// Operations and bytes per second.
  let peak: Double
  let bandwidth: Double

  private var operations: Double { one.operations / seconds.median }
  /// Of the codes alone.
  private var bytes: Double {
    Double(one.matrix.rows * one.matrix.columns * one.matrix.bits) / 8 / seconds.median
  }

  /// Products of matrices have to come near the peak once there are tokens enough.
  var ratio: MeasuredRatio? {
    guard one.operation != .row, one.tokens >= 128, one.matrix.bits < 16 else { return nil }
    return MeasuredRatio("linear_share_of_peak", one.name, operations / peak)
  }

  static func table(_ rows: [KernelRow]) -> MeasurementTable {
    var table = MeasurementTable([
      ("shape", "shape"), ("rows", "rows"), ("columns", "columns"), ("bits", "bits"),
      ("group_size", "group"), ("operation", "operation"), ("tokens", "tokens"),
      ("microseconds", "us"), ("relative_spread", "spread"), ("gflops", "GFLOP/s"),
      ("share_of_peak", "share of peak"), ("code_gb_per_second", "codes GB/s"),
      ("share_of_bandwidth", "share of bandwidth"), ("kernel", "kernel"),
    ])
    for row in rows {
      let (matrix, isRow) = (row.one.matrix, row.one.operation == .row)
      table.add([
        .text(matrix.shape), .integer(matrix.rows), .integer(matrix.columns),
        .integer(matrix.bits), .integer(matrix.groupSize), .text(row.one.operation.rawValue),
        .integer(row.one.tokens), .real(row.seconds.median * 1e6, digits: 1),
        .real(row.seconds.relativeSpread, digits: 3), .real(row.operations / 1e9, digits: 1),
        .real(row.operations / row.peak, digits: 3),
        isRow ? .empty : .real(row.bytes / 1e9, digits: 1),
        isRow ? .empty : .real(row.bytes / row.bandwidth, digits: 3), .text(row.kernel),
      ])
    }
    return table
  }
}
