/// What the quantizer makes of consecutive rows.
package struct QuantizedRows: Sendable, Equatable {
  package var rows: CodedRows
  /// Sum over the rows of (w - s(q - z))^2, and of w^2.
  package var squaredError = 0.0
  package var squaredNorm = 0.0
  /// The same of the layer's outputs over the calibration tokens, in units of the inputs' mean
  /// square; 0 where nothing was calibrated.
  package var outputError = 0.0
  package var outputNorm = 0.0

  package init(layout: PackedLayout) { rows = CodedRows(layout: layout) }

  /// Rows that cost nothing.
  package init(_ rows: CodedRows) { self.rows = rows }
}
