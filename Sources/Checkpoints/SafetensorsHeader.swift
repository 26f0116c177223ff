internal import JSONText

/// The checked header of a safetensors file.
///
/// The data area must be covered exactly: no overlap, no hole, nothing after the last tensor. That
/// is the reference's rule, and it leaves no place to hide bytes in.
struct SafetensorsHeader {
  /// In the order of their bytes.
  private(set) var tensors: [TensorDescriptor] = []
  private(set) var metadata: JSONValue = [:]
  private let path: String
  private let shard: Int

  init(of file: MappedFile, shard: Int) throws(CheckpointError) {
    path = file.path
    self.shard = shard
    let bytes = file.bytes
    guard bytes.count >= 8 else {
      throw fault(.truncated, "\(bytes.count) bytes are too few for a safetensors file")
    }
    let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard length <= UInt64(SafetensorsFile.maximumHeaderSize) else {
      throw fault(
        .headerSize,
        "header of \(length) bytes, the limit is \(SafetensorsFile.maximumHeaderSize)")
    }
    let dataStart = 8 + Int(length)
    guard dataStart <= bytes.count else {
      throw fault(.truncated, "header of \(length) bytes in a file of \(bytes.count)")
    }
    let text = UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart])
    guard text.first == UInt8(ascii: "{") else {
      throw fault(.syntax, "the header does not start with '{': no safetensors file")
    }
    try readMembers(of: try document(text), data: dataStart..<bytes.count)
    try checkCoverage(of: dataStart..<bytes.count)
  }

  private func fault(_ fault: CheckpointError.Fault, _ detail: String) -> CheckpointError {
    .malformed(path: path, fault: fault, detail: detail)
  }

  private func document(
    _ text: UnsafeRawBufferPointer
  ) throws(CheckpointError) -> [JSONValue.Member] {
    do throws(JSONSyntaxError) {
      let value = try JSONValue(parsing: text, maximumDepth: 8)
      return value.members ?? []
    } catch {
      throw fault(.syntax, "the header is no JSON: \(error)")
    }
  }

  private mutating func readMembers(
    of members: [JSONValue.Member], data: Range<Int>
  ) throws(CheckpointError) {
    var seenMetadata = false
    for member in members {
      if member.key.utf8.elementsEqual("__metadata__".utf8) {
        guard !seenMetadata else { throw fault(.duplicate, "__metadata__ is there twice") }
        seenMetadata = true
        guard let entries = member.value.members, entries.allSatisfy({ $0.value.string != nil })
        else { throw fault(.syntax, "__metadata__ must be an object of strings") }
        metadata = member.value
      } else {
        tensors.append(try descriptor(member, data: data))
      }
    }
  }

  private func descriptor(
    _ member: JSONValue.Member, data: Range<Int>
  ) throws(CheckpointError) -> TensorDescriptor {
    let name = member.key
    guard let fields = member.value.members else {
      throw fault(.syntax, "tensor \"\(name)\" is \(member.value.kind), expected an object")
    }
    for key in ["dtype", "shape", "data_offsets"] {
      guard fields.count(where: { $0.key.utf8.elementsEqual(key.utf8) }) == 1 else {
        throw fault(.syntax, "tensor \"\(name)\" needs exactly one \"\(key)\"")
      }
    }
    guard let typeName = member.value["dtype"]?.string,
      let type = ElementType(safetensorsName: typeName)
    else {
      throw fault(
        .elementType,
        "tensor \"\(name)\" has the unknown dtype \(member.value["dtype"]?.text() ?? "")")
    }
    let shape = try integers(member.value["shape"], "shape", of: name)
    let offsets = try integers(member.value["data_offsets"], "data_offsets", of: name)
    guard let count = TensorDescriptor.elementCount(of: shape),
      let byteCount = type.byteCount(elements: count)
    else { throw fault(.shape, "tensor \"\(name)\": shape \(shape) is too large") }
    guard offsets.count == 2, offsets[0] <= offsets[1] else {
      throw fault(.syntax, "tensor \"\(name)\": data_offsets must be [begin, end]")
    }
    guard offsets[1] <= data.count else {
      throw fault(
        .outOfFile, "tensor \"\(name)\" ends at byte \(offsets[1]) of \(data.count) bytes of data")
    }
    guard offsets[1] - offsets[0] == byteCount else {
      throw fault(
        .size,
        "tensor \"\(name)\": \(type.name) \(shape) takes \(byteCount) bytes, the header gives it "
          + "\(offsets[1] - offsets[0])")
    }
    return TensorDescriptor(
      name: name, type: type, shape: shape,
      byteRange: (data.lowerBound + offsets[0])..<(data.lowerBound + offsets[1]), shard: shard)
  }

  /// A list of non-negative whole numbers.
  private func integers(
    _ value: JSONValue?, _ key: String, of name: String
  ) throws(CheckpointError) -> [Int] {
    var integers: [Int] = []
    for element in value?.array ?? [.null] {
      guard case .integer(let integer) = element, integer >= 0 else {
        throw fault(.syntax, "tensor \"\(name)\": \(key) must be a list of whole numbers")
      }
      integers.append(integer)
    }
    return integers
  }

  private mutating func checkCoverage(of data: Range<Int>) throws(CheckpointError) {
    tensors.sort {
      ($0.byteRange.lowerBound, $0.byteRange.upperBound)
        < ($1.byteRange.lowerBound, $1.byteRange.upperBound)
    }
    var end = data.lowerBound
    for tensor in tensors {
      guard tensor.byteRange.lowerBound >= end else {
        throw fault(.overlap, "tensor \"\(tensor.name)\" overlaps the one before it")
      }
      guard tensor.byteRange.lowerBound == end else {
        throw fault(
          .hole,
          "\(tensor.byteRange.lowerBound - end) bytes before tensor \"\(tensor.name)\" "
            + "belong to no tensor")
      }
      end = tensor.byteRange.upperBound
    }
    guard end == data.upperBound else {
      throw fault(.hole, "the last \(data.upperBound - end) bytes belong to no tensor")
    }
  }
}

extension TensorDescriptor {
  /// The product of the dimensions; nil on overflow.
  package static func elementCount(of shape: [Int]) -> Int? {
    var count = 1
    for size in shape {
      let (product, overflow) = count.multipliedReportingOverflow(by: size)
      guard !overflow else { return nil }
      count = product
    }
    return count
  }
}
