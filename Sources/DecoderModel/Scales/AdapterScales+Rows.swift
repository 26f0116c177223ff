internal import Kernels
package import Quantization

extension AdapterScales {
  /// Puts the task's scales, the minima that follow them, and zero points of its own into the rows
  /// of a whole matrix.
  package func apply(to rows: inout CodedRows, layer: Int, role: LinearRole) {
    guard let entry = entry(layer: layer, role: role) else { return }
    switch form {
    case .scales:
      rows.scales = Array(bytes(of: entry))
      if !entry.zeros.isEmpty { rows.setRealZeros(Array(zeroBytes(of: entry))) }
      if let minima = pointers(entry).minima {
        rows.minima = Array(UnsafeRawBufferPointer(start: minima, count: rows.minima.count))
      }
    case .gains:
      let (type, perRow) = (rows.layout.scaleType, rows.layout.scalesPerRow)
      func multiply(_ numbers: inout [UInt8]) {
        guard !numbers.isEmpty else { return }
        numbers.withUnsafeMutableBytes { bytes in
          guard let start = bytes.baseAddress else { return }
          for row in 0..<entry.rows {
            let gain = gains.pointer[entry.range.lowerBound + row]
            for number in row * perRow..<(row + 1) * perRow {
              type.store(type.load(UnsafeRawPointer(start), number) * gain, start, number)
            }
          }
        }
      }
      multiply(&rows.scales)
      multiply(&rows.minima)
    }
  }
}
