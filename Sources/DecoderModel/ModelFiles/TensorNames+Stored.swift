extension TensorNames {
  /// What a tensor is called in a safetensors file, with the prefix, and how it lies there.
  func stored(_ tensor: ExpectedTensor, _ config: DecoderConfig) -> (name: String, RowOrder) {
    let parts = tensor.name.split(separator: ".").map(String.init)
    let suffix = "." + (parts.last ?? "")
    var order = order(tensor, config)
    guard parts.first == "model" else { return (output + suffix, order) }
    guard parts.count > 3, parts[1] == "layers" else {
      let own = parts.dropFirst().dropLast().joined(separator: ".")
      return (prefix + (ends[own] ?? own) + suffix, order)
    }
    let start = prefix + layers + parts[2] + "."
    if let fused = fused(tensor, config, &order) { return (start + fused + suffix, order) }
    return (start + name(within: Array(parts[3...].dropLast())) + suffix, order)
  }

  /// A name within a layer; the number of an expert is put where the stored name wants it.
  private func name(within parts: [String]) -> String {
    let expert = parts.first { Int($0) != nil }
    let canonical = parts.map { Int($0) == nil ? $0 : "*" }.joined(separator: ".")
    let own = within[canonical] ?? canonical
    return own.split(separator: "*", omittingEmptySubsequences: false)
      .joined(separator: expert ?? "*")
  }

  private func order(_ tensor: ExpectedTensor, _ config: DecoderConfig) -> RowOrder {
    var order = RowOrder()
    switch tensor.role {
    case .linear(let role, _), .bias(let role, _):
      if interleaves, role.kind == .query || role.kind == .key {
        (order.headSize, order.interleaved) = (config.headSize, config.rotatedSize)
      }
      if stacksExperts, let expert = role.expert, let experts = config.block.experts {
        let rows = config.shape(of: role.kind).rows
        (order.first, order.total) = (expert * rows, experts.count * rows)
      }
    case .positions where positionOffset > 0:
      (order.first, order.total) = (positionOffset, tensor.shape[0] + positionOffset)
    default: break
    }
    return order
  }

  /// The name of the tensor that holds a linear layer together with others; nil for a tensor of its
  /// own.
  private func fused(
    _ tensor: ExpectedTensor, _ config: DecoderConfig, _ order: inout RowOrder
  ) -> String? {
    let kind: LinearKind
    switch tensor.role {
    case .linear(let role, _), .bias(let role, _): kind = role.kind
    default: return nil
    }
    guard let fused = fused.first(where: { $0.kinds.contains(kind) }) else { return nil }
    let before = fused.kinds.prefix { $0 != kind }
    order.total = fused.kinds.reduce(0) { $0 + config.shape(of: $1).rows }
    if fused.byHead {
      order.headSize = config.headSize
      order.first = before.count * config.headSize
      order.headStride = fused.kinds.count * config.headSize
    } else {
      order.first = before.reduce(0) { $0 + config.shape(of: $1).rows }
    }
    return fused.name
  }
}
