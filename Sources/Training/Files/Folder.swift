internal import Checkpoints
internal import Foundation

/// The few operations on folders that a run needs, each durable where it says so.
enum Folder {
  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  /// Makes the folder and those above it.
  static func make(_ path: String) throws(TrainingError) {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw .io(path: path, operation: "creating the folder", errno: errno)
    }
  }

  /// Names in the folder, sorted; empty where there is no such folder.
  static func names(in path: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
  }

  /// Removes a file or a folder with all in it, if it is there.
  static func remove(_ path: String) throws(TrainingError) {
    guard exists(path) else { return }
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      throw .io(path: path, operation: "removing", errno: errno)
    }
  }

  static func rename(_ old: String, to new: String) throws(TrainingError) {
    guard Foundation.rename(old, new) == 0 else {
      throw .io(path: new, operation: "renaming", errno: errno)
    }
  }

  /// Makes the names in a folder durable.
  static func sync(_ path: String) throws(TrainingError) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .io(path: path, operation: "opening the folder", errno: errno)
    }
    defer { close(descriptor) }
    // EINVAL: a file system that does not sync folders.
    guard fsync(descriptor) == 0 || errno == EINVAL else {
      throw .io(path: path, operation: "syncing the folder", errno: errno)
    }
  }

  static func read(_ path: String) throws(CheckpointError) -> [UInt8] {
    let file = try MappedFile(path: path)
    return withExtendedLifetime(file) { Array(file.bytes) }
  }
}
