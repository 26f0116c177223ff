internal import Checkpoints

/// A record of TensorBoard's event files: a message `Event` in the frame of a TFRecord.
///
/// Fields, from tensorboard/compat/proto: `Event` has wall_time (1, double), step (2, int64),
/// file_version (3, string), summary (5), session_log (7). `Summary` has value (1, repeated).
/// `Summary.Value` has tag (1, string), simple_value (2, float). `SessionLog` has status (1, enum:
/// START is 1).
package struct EventRecord: Sendable, Equatable {
  package enum Content: Sendable, Equatable {
    /// What every file begins with.
    case version
    /// Whatever earlier files say of this step and of later ones does not count any more.
    case restart
    case scalars([Scalar])
  }

  package struct Scalar: Sendable, Equatable {
    package var tag: String
    package var value: Float

    package init(tag: String, value: Float) { (self.tag, self.value) = (tag, value) }
  }

  /// Seconds since 1970.
  package var time: Double
  package var step: Int
  package var content: Content

  package init(time: Double, step: Int, _ content: Content) {
    (self.time, self.step, self.content) = (time, step, content)
  }

  /// Length (u64), its checksum (u32), the message, its checksum (u32); little-endian.
  package var bytes: [UInt8] {
    let message = message.bytes
    let length = UInt64(message.count).littleEndianBytes
    return length + CRC32C.masked(length).littleEndianBytes + message
      + CRC32C.masked(message).littleEndianBytes
  }

  private var message: ProtobufMessage {
    var event = ProtobufMessage()
    event.add(1, double: time)
    if step != 0 { event.add(2, number: step) }
    switch content {
    case .version: event.add(3, text: "brain.Event:2")
    case .restart:
      var log = ProtobufMessage()
      log.add(1, number: 1)
      event.add(7, log)
    case .scalars(let scalars):
      var summary = ProtobufMessage()
      for scalar in scalars {
        var value = ProtobufMessage()
        value.add(1, text: scalar.tag)
        value.add(2, float: scalar.value)
        summary.add(1, value)
      }
      event.add(5, summary)
    }
    return event
  }
}
