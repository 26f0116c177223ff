internal import CKernels
internal import Kernels
internal import Testing

/// Operands laid out for the products: the fast tables write the very bits of the scalar one, and
/// nothing else.
@Suite struct PanelTests {
  private static let fast = InstructionSet.available.filter { $0 != .scalar }

  struct Shape: Sendable, CustomTestStringConvertible {
    let rows, columns: Int
    var testDescription: String { "\(rows) x \(columns)" }
  }
  static let shapes = [(1, 1), (7, 65), (65, 7), (96, 160), (130, 1100)].map(Shape.init)

  /// What `write` leaves in a panel of `count` words of a recognizable pattern.
  private func words<T: FixedWidthInteger & BitwiseCopyable>(
    _ count: Int, _ write: (UnsafeMutablePointer<T>) -> Void
  ) -> [T] {
    let memory = GuardedMemory<T>(results: count, fill: 0x5A)
    write(memory.pointer)
    #expect(memory.isIntact)
    return memory.values
  }

  @Test(arguments: fast, shapes)
  func activations(_ set: InstructionSet, _ shape: Shape) {
    var random = RandomNumbers(seed: shape.rows)
    let (t, i) = (shape.rows, shape.columns)
    let x = GuardedMemory(random.floats(t * i))
    let factors = GuardedMemory(random.floats(i))
    let even = (t + t % 2, i + i % 2)
    func everything(_ table: peqa_kernels) -> [[UInt16]] {
      var results: [[UInt16]] = []
      results.append(
        words(t * even.1) {
          table.round_bf16(Int32(t), Int32(i), Int32(even.1), x.pointer, i, factors.pointer, $0)
        })
      for column in stride(from: 0, to: i, by: 64) {
        results.append(
          words(even.0 * 64) {
            table.pack_tokens_bf16(Int32(t), Int32(i), Int32(column), x.pointer, i, $0)
          })
        let floats: [UInt32] = words(t * 64) {
          $0.withMemoryRebound(to: Float.self, capacity: t * 64) {
            table.pack_tokens_f32(Int32(t), Int32(i), Int32(column), x.pointer, i, $0)
          }
        }
        results.append(floats.flatMap { [UInt16(truncatingIfNeeded: $0), UInt16($0 >> 16)] })
      }
      // A part of the columns; the rest of the result stays as it was.
      for (first, end) in [(0, i), (i / 2, i), (0, (i + 1) / 2)] {
        results.append(
          words(i * even.0) {
            table.transpose_bf16(
              Int32(t), Int32(first), Int32(end), Int32(even.0), x.pointer, i, $0)
          })
      }
      return results
    }
    let same = everything(set.kernels) == everything(InstructionSet.scalar.kernels)
    #expect(same)
    #expect(x.isIntact)
  }

  @Test(arguments: fast, [2, 3, 4, 8])
  func weights(_ set: InstructionSet, _ bits: Int) {
    for (index, shape) in Self.shapes.enumerated() {
      let w = QuantizedCase(
        rows: shape.rows, columns: shape.columns, bits: bits, groupSize: index % 2 == 0 ? 32 : nil,
        realZeros: index % 3 == 0, gains: index % 2 == 1, offset: index % 4, seed: bits + index)
      let same = panels(w, set.kernels) == panels(w, InstructionSet.scalar.kernels)
      #expect(same, "\(shape)")
    }
  }

  /// Every form of grid with every kind of code and group.
  @Test(arguments: fast, QuantizedCase.Form.allCases)
  func forms(_ set: InstructionSet, _ form: QuantizedCase.Form) {
    let shapes = [(65, 272), (7, 1040), (65, 80), (17, 48)]
    for bits in [2, 3, 4, 5, 6, 8] {
      for (index, groupSize) in [nil, 16, 32, 64, 128, 512, 1024].enumerated() {
        let (rows, columns) = shapes[(bits + index) % 4]
        let w = QuantizedCase(
          rows: rows, columns: columns, bits: bits, groupSize: groupSize, form: form,
          scaleType: FloatType.allCases[(bits + index) % 3], gains: index % 2 == 1,
          zeroScales: true, offset: index % 4, seed: bits * 10 + index)
        let same = panels(w, set.kernels) == panels(w, InstructionSet.scalar.kernels)
        #expect(same, "\(bits) bits, group \(groupSize ?? -1), \(rows) x \(columns)")
      }
    }
  }

  private func panels(_ w: QuantizedCase, _ table: peqa_kernels) -> [[UInt32]] {
    var results: [[UInt32]] = []
    let raw = w.kernelView
    func collect(
      _ depth: Int, _ write: (UnsafePointer<peqa_matrix>, UnsafeMutableRawPointer) -> Void
    ) {
      results.append(
        words((depth + depth % 2) * 64) { out in
          withUnsafePointer(to: raw) { write($0, UnsafeMutableRawPointer(out)) }
        })
    }
    for row in stride(from: 0, to: w.rows, by: 64) {
      collect(w.groups) {
        table.scales_per_lane(
          $0, Int32(row), 0, Int32(w.groups), $1.assumingMemoryBound(to: Float.self))
      }
    }
    for scaled in [Int32(0), 1] {
      for row in stride(from: 0, to: w.rows, by: 64) {
        for column in stride(from: 0, to: w.columns, by: 1024) {
          let depth = min(1024, w.columns - column)
          let at = (Int32(row), Int32(column), Int32(depth))
          collect(depth) {
            table.pack_weights_nt_f32(
              $0, at.0, at.1, at.2, scaled, $1.assumingMemoryBound(to: Float.self))
          }
          collect(depth) {
            table.pack_weights_nt_bf16(
              $0, at.0, at.1, at.2, scaled, $1.assumingMemoryBound(to: UInt16.self))
          }
        }
      }
      for column in stride(from: 0, to: w.columns, by: 64) {
        let at = (Int32(column), Int32(w.rows))
        collect(w.rows) {
          table.pack_weights_nn_f32(
            $0, 0, at.0, at.1, scaled, $1.assumingMemoryBound(to: Float.self))
        }
        collect(w.rows) {
          table.pack_weights_nn_bf16(
            $0, 0, at.0, at.1, scaled, $1.assumingMemoryBound(to: UInt16.self))
        }
        collect(2) {
          table.unpack_row(
            $0, Int32(w.rows - 1), at.0, $1.assumingMemoryBound(to: Float.self))
        }
      }
    }
    return results
  }
}
