import Foundation
import Kernels
import Testing
import Training

@Suite struct OptimizerTests {
  /// The fixed gradients of Tests/interop/training_goldens.py.
  private func gradient(_ step: Int, _ i: Int) -> Float {
    Float((step * 7 + i * 13) % 23 - 11) / 16 * (i == 3 ? 1e-4 : 1)
  }

  /// PyTorch 2.15, float64: 12 steps of AdamW with clipping to norm 1 and a falling rate.
  ///
  /// Parameters of size up to 2 are rounded to fp32 (half an ulp, at most 1.2e-7 each) in 12 steps,
  /// and moments and clipped gradients by relative 6e-8 where the update is at most 1e-2:
  /// 12 * (1.2e-7 + 1e-2 * 4 * 6e-8) < 1.5e-6.
  @Test(arguments: [
    (
      0.0,
      [
        0.5240567746423274, -0.2707363282550003, 0.02511250745953892, 0.998479523046187,
        -1.9886934034982005,
      ]
    ),
    (
      0.1,
      [
        0.5207060159468064, -0.2690128360786611, 0.025002620387145055, 0.9920175582036584,
        -1.9757883349404883,
      ]
    ),
  ])
  func matchesPyTorch(decay: Double, expected: [Double]) {
    var settings = AdamW.Settings()
    settings.beta2 = 0.95
    settings.weightDecay = decay
    var optimizer = AdamW(count: 5, settings: settings)
    let parameters = FloatBuffer(zeros: 5)
    for (i, value) in [0.5, -0.25, 0, 1, -2].enumerated() { parameters.elements[i] = Float(value) }
    let slope = FloatBuffer(zeros: 5)
    var norm = 0.0
    for step in 0..<12 {
      for i in 0..<5 { slope.elements[i] = gradient(step, i) }
      norm = slope.clip(toNorm: 1)
      optimizer.update(parameters, gradient: slope, learningRate: 1e-2 * Double(12 - step) / 12)
    }
    #expect(abs(norm - 0.6789237835768092) < 1e-6)
    for i in 0..<5 {
      #expect(abs(Double(parameters.elements[i]) - expected[i]) < 1.5e-6, "parameter \(i)")
    }
  }

  /// An independent oracle: bias-corrected moments written as explicit weighted sums over all past
  /// gradients, in Double, with nothing carried from step to step but the parameter.
  @Test func matchesClosedForm() {
    var settings = AdamW.Settings()
    settings.epsilon = 1e-6
    var optimizer = AdamW(count: 3, settings: settings)
    let parameters = FloatBuffer(zeros: 3)
    let slope = FloatBuffer(zeros: 3)
    var expected = [0.0, 0.0, 0.0]
    for step in 0..<30 {
      for i in 0..<3 { slope.elements[i] = gradient(step, i) }
      optimizer.update(parameters, gradient: slope, learningRate: 1e-3)
      for i in 0..<3 {
        var (first, second, weight1, weight2) = (0.0, 0.0, 0.0, 0.0)
        for past in 0...step {
          let age = Double(step - past)
          let value = Double(gradient(past, i))
          first += pow(0.9, age) * value
          second += pow(0.999, age) * value * value
          weight1 += pow(0.9, age)
          weight2 += pow(0.999, age)
        }
        expected[i] -= 1e-3 * (first / weight1) / ((second / weight2).squareRoot() + 1e-6)
      }
    }
    // 30 updates of at most 1e-3 each, fp32 moments (6e-8 relative, growing with 10 and 1000 steps
    // of memory at worst linearly) and fp32 parameters below 0.03 (ulp 1.9e-9).
    for i in 0..<3 {
      #expect(abs(Double(parameters.elements[i]) - expected[i]) < 30 * (1e-3 * 6e-8 * 30 + 1e-9))
    }
  }

  @Test func clippingKeepsDirection() {
    let vector = FloatBuffer(zeros: 4)
    for (i, value) in [3, 0, -4, 12].enumerated() { vector.elements[i] = Float(value) }
    #expect(vector.clip(toNorm: 0) == 13)
    #expect(vector.clip(toNorm: 20) == 13)
    #expect(Array(vector.elements) == [3, 0, -4, 12])
    #expect(vector.clip(toNorm: 6.5) == 13)
    // torch: 6.5 / (13 + 1e-6).
    for (value, expected) in zip(vector.elements, [1.5, 0, -2, 6]) {
      #expect(abs(Double(value) - expected) < 1e-6)
    }
  }
}
