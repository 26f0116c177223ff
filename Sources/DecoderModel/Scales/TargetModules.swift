/// Which linear layers are trained, by patterns of their names.
///
/// A pattern is a run of whole components of a name such as `model.layers.3.mlp.up_proj`, anywhere
/// in it: `up_proj`, `mlp` and `layers.3` are runs of that one. So names as PEFT takes them mean
/// here what they mean there. In place of a component may stand:
///
///     8-15     a number from 8 to 15
///     *        one component or more
///     *_proj   a component with anything, or nothing, in place of the star
///
/// `all-linear` and `all` stand for every layer. A layer is trained where one pattern fits.
package struct TargetModules: Sendable, Equatable {
  package let patterns: [String]
  private let compiled: [ModulePattern]

  package static let all = TargetModules([allWord])
  /// PEFT's word for every linear layer.
  package static let allWord = "all-linear"

  package init(_ patterns: [String]) {
    self.patterns = patterns
    compiled = patterns.map { ModulePattern($0) }
  }

  package static func == (a: TargetModules, b: TargetModules) -> Bool { a.patterns == b.patterns }

  package var isAll: Bool { patterns.contains { ModulePattern.isAll($0) } }

  /// Whether a layer is trained, by its name without suffix.
  package func contains(_ name: String) -> Bool { compiled.contains { $0.fits(name) } }

  /// Whether a layer is trained.
  package func contains(_ role: LinearRole, layer: Int) -> Bool {
    isAll || contains(role.name(layer: layer))
  }

  /// A sentence for each pattern that fits no layer of a model.
  package func faults(in config: DecoderConfig) -> [String] {
    guard !patterns.isEmpty else { return ["no pattern is given; give all-linear or some layers"] }
    guard !isAll else { return [] }
    let names = (0..<config.layerCount).flatMap { layer in
      config.block.linears.map { $0.name(layer: layer) }
    }
    return zip(patterns, compiled).compactMap { text, pattern in
      guard !names.contains(where: pattern.fits) else { return nil }
      return "\"\(text)\" fits no layer; there are \(config.linearNamesInWords)"
    }
  }
}

extension DecoderConfig {
  /// `self_attn.q_proj, ..., mlp.down_proj in model.layers.0-29`.
  fileprivate var linearNamesInWords: String {
    let experts = block.experts.map { "experts.0-\($0.count - 1)." } ?? ""
    let kinds = block.kinds.map { kind in
      kind.rawValue.hasPrefix("mlp.")
        ? "mlp." + experts + kind.rawValue.dropFirst("mlp.".count) : kind.rawValue
    }
    return kinds.joined(separator: ", ") + " in model.layers.0-\(layerCount - 1)"
  }
}

/// One pattern, taken apart.
private struct ModulePattern: Sendable {
  private enum Component: Sendable {
    /// Any number of components, none too.
    case run
    case any
    case numbers(ClosedRange<Int>)
    /// Bytes in which a star stands for any.
    case text([UInt8])
  }

  private let components: [Component]

  static func isAll(_ text: String) -> Bool { text == TargetModules.allWord || text == "all" }

  init(_ text: String) {
    guard !Self.isAll(text) else {
      components = [.run]
      return
    }
    let own = text.split(separator: ".", omittingEmptySubsequences: false).flatMap {
      part -> [Component] in
      if part == "*" { return [.any, .run] }
      return [Self.numbers(part).map { .numbers($0) } ?? .text(Array(part.utf8))]
    }
    components = [.run] + own + [.run]
  }

  /// `8-15`.
  private static func numbers(_ text: Substring) -> ClosedRange<Int>? {
    let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard ends.count == 2, let low = ends[0], let high = ends[1], 0 <= low, low <= high else {
      return nil
    }
    return low...high
  }

  func fits(_ name: String) -> Bool {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    return Self.fits(components, parts) {
      if case .run = $0 { true } else { false }
    } equal: { component, part in
      switch component {
      case .run, .any: true
      case .numbers(let range): Int(part).map(range.contains) ?? false
      case .text(let text):
        Self.fits(text, Array(part.utf8)) {
          $0 == UInt8(ascii: "*")
        } equal: {
          $0 == $1
        }
      }
    }
  }

  /// Whether a pattern with stars, each for any number of elements, fits all of `elements`. Takes
  /// at most as many comparisons as the product of both lengths.
  private static func fits<Token, Element>(
    _ pattern: [Token], _ elements: [Element], isStar: (Token) -> Bool,
    equal: (Token, Element) -> Bool
  ) -> Bool {
    var (p, e) = (0, 0)
    // The last star, and the first element behind what it stands for.
    var last: (star: Int, end: Int)?
    while e < elements.count {
      if p < pattern.count, isStar(pattern[p]) {
        last = (p, e)
        p += 1
      } else if p < pattern.count, equal(pattern[p], elements[e]) {
        p += 1
        e += 1
      } else if let (star, end) = last {
        last = (star, end + 1)
        (p, e) = (star + 1, end + 1)
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy(isStar)
  }
}
