internal import Kernels

/// A model ready to compute with, whatever it was on disk: a base, a Hugging Face directory or
/// GGUF.
package struct LoadedModel {
  package let path: String
  package let config: DecoderConfig
  package let weights: DecoderWeights
  /// Nil for an unquantized model, which can be evaluated but not tuned.
  package let base: QuantizedBase?

  package static func open(_ path: String) throws -> LoadedModel {
    if QuantizedBase.isBase(path) {
      let base = try QuantizedBase(path: path)
      return LoadedModel(
        path: path, config: base.config, weights: try DecoderWeights(base), base: base)
    }
    let model = try ModelSource.open(path)
    return LoadedModel(
      path: path, config: model.config, weights: try DecoderWeights(model), base: nil)
  }

  /// The base, or an error that says how to get one.
  package func requiredBase() throws -> QuantizedBase {
    guard let base else {
      throw ModelFileError.unsupported(
        path: path,
        detail: "this model is not quantized, so it has no scales to tune or to replace. "
          + "Make a base first: peqa quantize \(path) --output BASE")
    }
    return base
  }
}
