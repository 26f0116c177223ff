internal import DecoderModel
internal import JSONText
internal import Quantization
internal import QuantizedFormats

/// `config.json` of an export: the model's own, with what the format says of its quantization.
struct ExportConfig {
  /// The model's, of which keys that no longer hold are dropped.
  private var members: [JSONValue.Member]

  init(_ config: JSONValue) {
    let dropped = ["quantization", "quantization_config", "dtype", "torch_dtype"]
    members = (config.members ?? []).filter { member in
      !dropped.contains { $0.utf8.elementsEqual(member.key.utf8) }
    }
  }

  var json: JSONValue { .object(members) }

  mutating func set(_ key: String, _ value: JSONValue) {
    members.removeAll { $0.key.utf8.elementsEqual(key.utf8) }
    members.append(.init(key: key, value: value))
  }

  /// Numbers outside of quantized matrices are mostly this.
  mutating func setType(_ name: String) {
    set("dtype", .string(name))
    set("torch_dtype", .string(name))
  }

  /// mlx-lm reads the base of the rotation at the top only, transformers 5 writes it inside.
  mutating func repeatTheta() {
    let inside = json["rope_parameters"]?["rope_theta"]
    if let inside, json["rope_theta"] == nil { set("rope_theta", inside) }
  }
}

/// Bits and groups of the quantized modules of an export.
struct ExportGrids {
  struct Module: Equatable {
    /// In the file.
    let name: String
    let bits: Int
    let groupSize: Int
    /// One group is a whole row.
    let isWhole: Bool

    /// -1 for whole rows, as files say it.
    var grid: BaseManifest.Grid {
      BaseManifest.Grid(bits: bits, groupSize: isWhole ? -1 : groupSize)
    }
  }

  /// In the order of the file.
  private(set) var modules: [Module] = []

  mutating func add(_ name: String, _ layout: PackedLayout) {
    modules.append(
      Module(
        name: name, bits: layout.bits, groupSize: layout.groupSize, isWhole: layout.groups == 1))
  }

  /// What most modules have; -1 only where all have whole rows.
  var common: BaseManifest.Grid {
    let grouped = modules.filter { !$0.isWhole }
    return Self.most((grouped.isEmpty ? modules : grouped).map(\.grid))
  }

  /// Modules that `common` does not describe: other bits or groups, or whole rows that are longer
  /// than a group.
  var exceptions: [Module] {
    let common = common
    return modules.filter { module in
      module.bits != common.bits
        || module.groupSize != common.groupSize
          && !(module.isWhole && (common.groupSize == -1 || module.groupSize <= common.groupSize))
    }
  }

  fileprivate static func most(_ grids: [BaseManifest.Grid]) -> BaseManifest.Grid {
    var counts: [BaseManifest.Grid: Int] = [:]
    for grid in grids { counts[grid, default: 0] += 1 }
    let most = counts.max {
      ($0.value, $1.key.bits, $1.key.groupSize) < ($1.value, $0.key.bits, $0.key.groupSize)
    }
    return most?.key ?? BaseManifest.Grid(bits: 4, groupSize: -1)
  }
}

extension ExportGrids {
  /// What config.json says of the quantization; nil where the format says it elsewhere.
  func settings(
    _ format: ExportFormat, isSymmetric: Bool, isReordered: Bool
  ) -> [(key: String, value: JSONValue)] {
    switch format {
    case .gptq:
      return [
        (
          "quantization_config",
          [
            "quant_method": "gptq", "bits": .integer(common.bits),
            "group_size": .integer(common.groupSize), "desc_act": .bool(isReordered),
            "sym": .bool(isSymmetric), "lm_head": false,
            "checkpoint_format": .string(isSymmetric ? "gptq" : "gptq_v2"), "pack_dtype": "int32",
            "meta": ["quantizer": ["peqa"]],
          ]
        )
      ]
    case .awq:
      return [
        (
          "quantization_config",
          [
            "quant_method": "awq", "bits": 4, "group_size": .integer(common.groupSize),
            "zero_point": true, "version": "gemm", "checkpoint_format": "gemm",
            "pack_dtype": "int32", "lm_head": false,
          ]
        )
      ]
    case .mlx:
      // mlx has no whole rows: a group has a size, be it that of the row.
      let own = modules.map { BaseManifest.Grid(bits: $0.bits, groupSize: $0.groupSize) }
      let most = Self.most(own)
      var members: [JSONValue.Member] = [
        .init(key: "group_size", value: .integer(most.groupSize)),
        .init(key: "bits", value: .integer(most.bits)), .init(key: "mode", value: "affine"),
      ]
      for (module, grid) in zip(modules, own) where grid != most {
        members.append(
          .init(
            key: module.name,
            value: [
              "group_size": .integer(grid.groupSize), "bits": .integer(grid.bits),
              "mode": "affine",
            ]))
      }
      return [("quantization", .object(members)), ("quantization_config", .object(members))]
    case .compressedTensors:
      let isChannel = common.groupSize == -1
      return [
        (
          "quantization_config",
          [
            "quant_method": "compressed-tensors", "format": "pack-quantized",
            "quantization_status": "compressed", "ignore": ["lm_head"],
            "config_groups": [
              "group_0": [
                "targets": ["Linear"], "format": "pack-quantized", "input_activations": .null,
                "output_activations": .null,
                "weights": [
                  "num_bits": .integer(common.bits), "type": "int",
                  "symmetric": .bool(isSymmetric), "dynamic": false,
                  "strategy": .string(isChannel ? "channel" : "group"),
                  "group_size": isChannel ? .null : .integer(common.groupSize),
                ],
              ]
            ],
          ]
        )
      ]
    case .gguf, .hf: return []
    }
  }
}
