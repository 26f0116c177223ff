internal import Glibc
internal import JSONText

/// The weights of a Hugging Face model folder: `model.safetensors`, or shards with an index.
package final class SafetensorsDirectory: TensorSource {
  package static let singleName = "model.safetensors"
  package static let indexName = "model.safetensors.index.json"

  package let path: String
  package let tensors: [TensorDescriptor]
  private let shards: [MappedFile]
  private let index: NameIndex

  /// Throws `missing` where the folder has no weights or lacks a shard (which it names).
  package init(path: String) throws(CheckpointError) {
    self.path = path
    let files: [SafetensorsFile]
    if access(path + "/" + Self.singleName, F_OK) == 0 {
      files = [try SafetensorsFile(path: path + "/" + Self.singleName)]
      tensors = files[0].tensors
    } else if access(path + "/" + Self.indexName, F_OK) == 0 {
      (files, tensors) = try Self.openShards(in: path)
    } else {
      throw .missing(
        path: path,
        remedy: "The folder must hold \(Self.singleName), or \(Self.indexName) with its shards.")
    }
    shards = files.map { $0.mapping }
    var index = NameIndex()
    for (position, tensor) in tensors.enumerated() {
      guard index.insert(tensor.name.utf8, at: position) else {
        throw .malformed(
          path: path, fault: .duplicate, detail: "tensor \"\(tensor.name)\" is there twice")
      }
    }
    self.index = index
  }

  package func tensor(named name: String) -> TensorDescriptor? { index[name].map { tensors[$0] } }

  package func file(of tensor: TensorDescriptor) -> MappedFile { shards[tensor.shard] }

  /// Opens every shard the index names and takes from each the tensors it is named for.
  private static func openShards(
    in folder: String
  ) throws(CheckpointError) -> ([SafetensorsFile], [TensorDescriptor]) {
    let map = try weightMap(folder + "/" + indexName)
    var names: [[UInt8]: Int] = [:]
    var files: [SafetensorsFile] = []
    var found: [TensorDescriptor] = []
    for (tensorName, shardName) in map {
      let key = Array(shardName.utf8)
      if names[key] == nil {
        names[key] = files.count
        files.append(try openShard(folder + "/" + shardName, number: files.count))
      }
      guard let file = names[key].map({ files[$0] }), let tensor = file.tensor(named: tensorName)
      else {
        throw .malformed(
          path: folder + "/" + shardName, fault: .missingTensor,
          detail: "tensor \"\(tensorName)\" is missing, though \(indexName) says it is here.")
      }
      found.append(tensor)
    }
    found.sort { ($0.shard, $0.byteRange.lowerBound) < ($1.shard, $1.byteRange.lowerBound) }
    return (files, found)
  }

  private static func openShard(
    _ path: String, number: Int
  ) throws(CheckpointError) -> SafetensorsFile {
    do throws(CheckpointError) {
      return try SafetensorsFile(mapping: MappedFile(path: path), shard: number)
    } catch .missing {
      throw .missing(
        path: path, remedy: "\(indexName) names this shard: copy it into the folder as well.")
    }
  }

  /// The pairs (tensor, shard) of the index file.
  private static func weightMap(_ path: String) throws(CheckpointError) -> [(String, String)] {
    func fault(_ detail: String) -> CheckpointError {
      .malformed(path: path, fault: .index, detail: detail)
    }
    let bytes = try OpenFile.contents(of: path)
    let document: JSONValue
    do throws(JSONSyntaxError) {
      document = try JSONValue(parsing: bytes)
    } catch {
      throw fault("\(error)")
    }
    guard let members = document["weight_map"]?.members, !members.isEmpty else {
      throw fault("\"weight_map\" must be an object of tensor names and shard names")
    }
    var map: [(String, String)] = []
    for member in members {
      // A shard is a plain file name: an index must not reach out of its folder.
      guard let shard = member.value.string, !shard.isEmpty, shard != ".", shard != "..",
        !shard.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == 0 })
      else { throw fault("\"\(member.key)\" must name a file in the same folder") }
      map.append((member.key, shard))
    }
    return map
  }
}
