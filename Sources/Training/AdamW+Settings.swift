package import Kernels

extension AdamW.Settings {
  package init(_ config: RunConfig) {
    self.init()
    beta1 = config.adamBeta1
    beta2 = config.adamBeta2
    epsilon = config.adamEpsilon
    weightDecay = config.weightDecay
  }
}
