internal import CKernels

/// What the threads of a machine can do at best, together: what measured speeds are compared with.
package struct MachinePeak: Sendable, Equatable {
  /// Operations a second, two a multiply-add; 0 where the kernels have no such products.
  package var fp32: Double
  package var bf16: Double
  package var int8: Double
  /// Bytes a second read from memory, far more than caches hold.
  package var bandwidth: Double

  package init(fp32: Double, bf16: Double, int8: Double, bandwidth: Double) {
    (self.fp32, self.bf16, self.int8, self.bandwidth) = (fp32, bf16, int8, bandwidth)
  }

  /// The better of two measurements: nothing runs faster than it can.
  package func joined(_ other: MachinePeak) -> MachinePeak {
    MachinePeak(
      fp32: max(fp32, other.fp32), bf16: max(bf16, other.bf16), int8: max(int8, other.int8),
      bandwidth: max(bandwidth, other.bandwidth))
  }

  /// Of the products of a precision.
  package func operations(_ precision: Precision) -> Double {
    precision == .bf16 ? bf16 : fp32
  }

  /// Of the products with codes. Where no instruction multiplies integers alone, the peak of fp32
  /// is what they are compared with.
  package func operations(of compute: Compute) -> Double {
    compute.multipliesIntegers && int8 > 0 ? int8 : operations(compute.precision)
  }
}

extension Compute {
  /// The result of `work`, and what the machine could do around it: the better of the peaks before
  /// and after, as the system may leave two threads on one CPU for some time.
  package func besidePeak<Result>(
    _ work: () throws -> Result
  ) rethrows -> (result: Result, peak: MachinePeak) {
    let before = measurePeak()
    let result = try work()
    return (result, before.joined(measurePeak()))
  }

  /// Measures the peak on all threads of the pool, best of some runs; about a second.
  ///
  /// - Parameters:
  ///   - seconds: of each kind of operation, at least.
  ///   - bytes: read from memory; 512 MB are beyond the last-level cache of any node.
  package func measurePeak(seconds: Double = 0.15, bytes: Int = 512 << 20) -> MachinePeak {
    MachinePeak(
      fp32: operationRate(PEQA_PEAK_F32, seconds), bf16: operationRate(PEQA_PEAK_BF16, seconds),
      int8: operationRate(PEQA_PEAK_INT8, seconds), bandwidth: readRate(bytes, seconds))
  }

  /// Pieces of a job, so many a thread that one late start does not matter.
  private var chunks: Int { pool.threads * 16 }

  private func operationRate(_ unit: peqa_peak_unit, _ seconds: Double) -> Double {
    // Every core does 10^10 operations per second at least, so a chunk takes about a millisecond.
    let turns = 500
    let done = FloatBuffer(count: pool.threads)
    let each = peqa_peak_run(table, unit, 1, done.pointer)
    guard each > 0 else { return 0 }
    return bestRate(each * Double(turns * chunks), seconds) {
      pool.parallelFor(chunks) { _, worker in
        _ = peqa_peak_run(table, unit, turns, done.pointer + worker)
      }
    }
  }

  /// `amount` by the time of the fastest run within `seconds`.
  private func bestRate(_ amount: Double, _ seconds: Double, _ run: () -> Void) -> Double {
    let start = ContinuousClock.now
    var best = Double.infinity
    repeat {
      let clock = ContinuousClock.now
      run()
      best = min(best, (ContinuousClock.now - clock) / .seconds(1))
    } while (ContinuousClock.now - start) / .seconds(1) < seconds
    return amount / best
  }

  private func readRate(_ bytes: Int, _ seconds: Double) -> Double {
    let memory = NumberBuffer<UInt8>(count: bytes)
    // Written by the threads that read it: untouched pages would all be the one page of zeros.
    let part = bytes / chunks
    pool.parallelFor(chunks) { chunk, _ in
      (memory.pointer + chunk * part).update(
        repeating: UInt8(truncatingIfNeeded: chunk), count: part)
    }
    let results = NumberBuffer<UInt64>(count: pool.threads)
    return bestRate(Double(part * chunks), seconds) {
      pool.parallelFor(chunks) { chunk, worker in
        results.pointer[worker] = peqa_read_stream(table, memory.pointer + chunk * part, part)
      }
    }
  }

  /// Which products a matrix gets, and why, in words.
  ///
  /// - Parameter few: forward products of up to `fewTokens` tokens in a generation.
  package func choice(
    for w: WeightMatrix, few: Bool = false
  ) -> (kernel: String, reason: String) {
    if few {
      return (
        "\(instructionSet.rawValue) \(w.isQuantized ? products : precision.rawValue) few tokens",
        "up to \(Self.fewTokens) tokens of a generation read the weights once, as they lie"
      )
    }
    if kind(for: w) == .i8 {
      return ("\(instructionSet.rawValue) int8", "int8 was asked for")
    }
    if precision == .bf16 {
      return ("\(instructionSet.rawValue) bf16", "the CPU multiplies bf16 pairs, the fastest here")
    }
    if !w.isQuantized { return ("OpenBLAS \(BLAS.coreName) fp32", "dense matrix in fp32") }
    return (
      "\(instructionSet.rawValue) fp32",
      instructionSet.hasNativeBF16 ? "fp32 was asked for" : "no bf16 products in this table"
    )
  }
}
