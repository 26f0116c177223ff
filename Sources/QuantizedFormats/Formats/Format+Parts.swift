internal import Checkpoints
internal import Kernels
internal import Quantization

extension TensorDeclaration {
  /// What follows the module's name.
  var suffix: String { name.split(separator: ".").last.map(String.init) ?? name }
}

// Scales as GPTQ and AWQ have them: [groups, outputs].
extension CodedRows {
  mutating func readTransposedScales(
    of matrix: StoredMatrix, _ stored: UnsafeBufferPointer<Int>, in files: any TensorSource
  ) {
    scales.withUnsafeMutableBytes {
      ScaleTransposition.unpack(
        matrix.bytes("scales", in: files), groups: layout.groups,
        scaleBytes: layout.scaleType.byteCount, storedRows: stored, outputs: matrix.layout.rows,
        into: $0)
    }
  }

  func writeTransposedScales(
    _ stored: UnsafeBufferPointer<Int>, into target: UnsafeMutableRawBufferPointer
  ) {
    scales.withUnsafeBytes {
      ScaleTransposition.pack(
        $0, groups: layout.groups, scaleBytes: layout.scaleType.byteCount, storedRows: stored,
        outputs: layout.rows, into: target)
    }
  }
}

extension CodedRows {
  /// The rows without what pads them to 64 codes, for files whose rows are the same bit stream.
  func streamBytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    Array(0..<layout.rows).withUnsafeBufferPointer { stored in
      bytes.withUnsafeMutableBytes { target in
        codes.withUnsafeBytes {
          RowStreamPacking.pack(
            $0, layout: layout, storedRows: stored, outputs: layout.rows, into: target)
        }
      }
    }
    return bytes
  }
}
