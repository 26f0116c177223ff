internal import Kernels

/// What a teacher is asked.
package struct TeacherQuestion: Sendable, Equatable {
  /// Most probable tokens that it names; the whole vocabulary at most.
  package var tokens: Int
  package var temperature: Double
  /// Blocks behind which it gives its streams, from 0, ascending; none for distributions only.
  package var blocks: [Int]

  package init(tokens: Int, temperature: Double, blocks: [Int] = []) {
    (self.tokens, self.temperature, self.blocks) = (tokens, temperature, blocks)
  }
}

extension Decoder {
  /// What this model, as a teacher, says of the supervised positions of a sequence.
  package func answer(
    _ question: TeacherQuestion, to sequence: TokenSequence
  ) throws(DecoderError) -> TeacherTargets {
    let stack = try SequenceBatch([sequence], config)
    let a = inferenceActivations(capacity: stack.tokens.count)
    var streams = TeacherStreams(blocks: question.blocks, width: config.hiddenSize)
    forward(stack.tokens, segments: stack.segments, a) { layer in
      guard question.blocks.contains(layer) else { return }
      streams.append(a.residual(layer + 1), rows: stack.supervised)
    }
    let work = headWorkspace()
    var found = TeacherProbabilities(count: min(question.tokens, config.vocabularySize))
    for start in stride(from: 0, to: stack.supervised.count, by: HeadWorkspace.chunk) {
      let end = min(stack.supervised.count, start + HeadWorkspace.chunk)
      logits(of: stack.supervised[start..<end], a.residual(config.layerCount), work)
      found.append(
        compute.mostProbable(
          found.count, of: work.logits.pointer, tokens: end - start,
          vocabulary: config.vocabularySize, temperature: question.temperature))
    }
    return TeacherTargets(
      probabilities: found, streams: question.blocks.isEmpty ? nil : streams)
  }

  /// Adds to `errors`, by supervised position, how far the stream behind the block of `pass` is
  /// from the teacher's, and to g.residual the gradient of that.
  func addStreamErrors(
    of distillation: Distillation, _ pass: BlockPass, to errors: inout [Double]
  ) {
    guard distillation.hiddenWeight > 0 else { return }
    let (stream, gradient) = (pass.a.residual(pass.layer + 1), pass.g[.residual])
    for (range, streams) in zip(pass.stack.supervisedRanges, pass.stack.streams) {
      guard let streams, let block = streams.blocks.firstIndex(of: pass.layer) else { continue }
      let (width, share) = (streams.width, 1 / Double(streams.blocks.count * streams.width))
      let places = pass.stack.supervised[range]
      errors.withUnsafeMutableBufferPointer { errors in
        compute.pool.parallelFor(range.count) { index in
          let (row, at) = (block * range.count + index, places[range.lowerBound + index] * width)
          errors[range.lowerBound + index] +=
            share
            * streams.addError(
              row: row, of: stream + at, slope: Float(2 * distillation.hiddenWeight * share),
              to: gradient + at)
        }
      }
    }
  }
}

extension SequenceBatch {
  /// Throws where something is to be learnt that no teacher says.
  func requireTeachers(for distillation: Distillation) throws(DecoderError) {
    guard teacher != nil else { throw .badTargets("a sequence has no teacher") }
    guard distillation.hiddenWeight == 0 || streams.allSatisfy({ $0 != nil }) else {
      throw .badTargets("the teacher of a sequence gives no streams")
    }
  }
}

extension TeacherStreams {
  /// The sum of squares of f h - t for one row, with f the factor and t the numbers of the teacher;
  /// adds slope f (f h - t) to `gradient` [D].
  fileprivate func addError(
    row: Int, of h: UnsafePointer<Float>, slope: Float, to gradient: UnsafeMutablePointer<Float>
  ) -> Double {
    let (factor, first) = (factors[row], row * width)
    var sum = 0.0
    for i in 0..<width {
      let error = factor * h[i] - Float(Float16(bitPattern: values[first + i]))
      sum += Double(error) * Double(error)
      gradient[i] += slope * factor * error
    }
    return sum
  }
}
