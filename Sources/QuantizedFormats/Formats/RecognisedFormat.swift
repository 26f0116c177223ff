package import JSONText

/// Finds out how the matrices of a Hugging Face directory are quantized, by its configuration.
package enum RecognisedFormat {
  /// Nil for a model in full precision.
  ///
  /// - Parameters:
  ///   - config: config.json.
  ///   - separate: quantize_config.json, which older programs write instead.
  ///   - path: of the directory, for messages.
  package static func of(
    _ config: JSONValue, separate: JSONValue?, path: String
  ) throws(QuantizedFormatError) -> (any QuantizedFormat)? {
    if let own = config["quantization"], own["bits"] != nil { return try mlx(own, path) }
    guard let settings = config["quantization_config"]?.unlessNull ?? separate else { return nil }
    guard let method = settings["quant_method"]?.string else {
      if separate != nil || settings["desc_act"] != nil {
        return try GPTQFormat(config: settings, path: path)
      }
      if settings["mode"] != nil || settings["bits"] != nil { return try mlx(settings, path) }
      throw .unsupported(
        path: path, detail: "quantization_config names no quant_method. \(remedy)")
    }
    switch method {
    case "gptq": return try GPTQFormat(config: settings, path: path)
    case "awq": return try AWQFormat(config: settings, path: path)
    case "compressed-tensors": return try CompressedTensorsFormat(config: settings, path: path)
    default:
      throw .unsupported(
        path: path, detail: "quant_method \"\(method)\" is not read here. \(remedy)")
    }
  }

  private static let remedy =
    "Read are gptq, awq, compressed-tensors, MLX and GGUF: quantize the full-precision model with "
    + "gptqmodel, or with \"peqa quantize\" itself."

  private static func mlx(
    _ settings: JSONValue, _ path: String
  ) throws(QuantizedFormatError) -> MLXFormat {
    let mode = settings["mode"]?.string ?? "affine"
    guard mode == "affine" else {
      throw .unsupported(
        path: path, detail: "MLX mode \"\(mode)\" is not read here. Convert the model with affine.")
    }
    return MLXFormat()
  }
}
