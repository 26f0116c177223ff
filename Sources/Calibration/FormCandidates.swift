package import DecoderModel
package import Interchange
internal import Quantization

/// The bits and groups that each linear layer of a model may get, and what a base takes with them.
///
/// Layers are chosen by kind and block: the experts of a mixture have one form together.
package struct FormCandidates: Sendable {
  package static let bits = [2, 3, 4, 8]
  /// Groups of 256 save little of what those of 128 take.
  package static let groupSizes = [-1, 128, 64, 32]

  /// The layers that get one form.
  package struct Unit: Sendable {
    package let layer: Int
    package let kind: LinearKind
    package let roles: [LinearRole]
    package let grids: [BaseManifest.Grid]
    /// Bytes of all its matrices, by grid.
    package let byteCounts: [Int]
  }

  package let units: [Unit]
  /// What base.safetensors takes beside the linear layers, its header as long as it may become.
  package let fixedByteCount: Int

  /// - Parameters:
  ///   - options: what all layers share; of bits and groups nothing is taken.
  ///   - groupSize: the only one to use; nil for all.
  package init(
    _ source: ModelSource, _ options: QuantizeOptions, groupSize: Int? = nil
  ) throws {
    let config = source.config
    let sizes = groupSize.map { [$0] } ?? Self.groupSizes
    units = (0..<config.layerCount).flatMap { layer in
      config.block.kinds.map { kind in
        Unit(layer, kind, config, Self.grids(columns: config.shape(of: kind).columns, sizes))
      }
    }
    // Types of vocabulary matrices change no size.
    var largest = options
    largest.settings = options.settings.with(Self.largest(sizes))
    largest.allowPoorQuality = true
    let plan = try QuantizePlan(source, largest) { _ in false }
    fixedByteCount = plan.fileByteCount - plan.forms.byteCount
  }

  /// The form with the longest codes, scales and, for its numbers, header.
  private static func largest(_ sizes: [Int]) -> BaseManifest.Grid {
    let smallest = sizes.min { ($0 == -1 ? .max : $0) < ($1 == -1 ? .max : $1) } ?? -1
    return BaseManifest.Grid(bits: bits.max() ?? 8, groupSize: smallest)
  }

  /// Groups that are no shorter than a row are the row.
  static func grids(columns: Int, _ sizes: [Int]) -> [BaseManifest.Grid] {
    var grids: [BaseManifest.Grid] = []
    for bits in bits {
      for size in sizes {
        let grid = BaseManifest.Grid(bits: bits, groupSize: size >= columns ? -1 : size)
        if !grids.contains(grid) { grids.append(grid) }
      }
    }
    return grids
  }

  /// Bytes of the smallest base, and of the largest.
  package var range: (least: Int, largest: Int) {
    units.reduce((fixedByteCount, fixedByteCount)) {
      ($0.0 + ($1.byteCounts.min() ?? 0), $0.1 + ($1.byteCounts.max() ?? 0))
    }
  }

  /// Throws `sizeTooSmall` where no base takes `size` bytes at most.
  package func check(size: Int) throws(CalibrationError) {
    let range = range
    guard size >= range.least else {
      throw .sizeTooSmall(size, least: range.least, largest: range.largest)
    }
  }
}

extension FormCandidates.Unit {
  fileprivate init(
    _ layer: Int, _ kind: LinearKind, _ config: DecoderConfig, _ grids: [BaseManifest.Grid]
  ) {
    (self.layer, self.kind, self.grids) = (layer, kind, grids)
    let own = config.block.linears.filter { $0.kind == kind }
    roles = own
    let (rows, columns) = config.shape(of: kind)
    byteCounts = grids.map {
      own.count
        * QuantizePlan.byteCount(
          of: PackedLayout(
            rows: rows, columns: columns, bits: $0.bits, groupSize: $0.groupSize))
    }
  }
}
