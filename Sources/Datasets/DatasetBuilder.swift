internal import Checkpoints
internal import Foundation
internal import JSONText

/// Data files -> token cache -> training and validation sequences.
///
/// The result is a pure function of the bytes of the files, the tokenizer, the template and the
/// settings; nothing depends on ranks. Of ranks that share the folder of caches, one should build:
/// the others then only map the file (`open`). Two that build at the same time write the same file;
/// the one that ends first publishes it, and the other takes that.
package struct DatasetBuilder: Sendable {
  package var sources: [DatasetSource]
  package var tokenizer: any TextEncoder
  /// The model's chat template; only conversations need one.
  package var chat: (any ChatEncoder)?
  package var settings: DatasetSettings
  package var cacheDirectory: String

  /// Changes whenever the same input would give other tokens, masks or cuts.
  static let codeVersion = 1

  /// `cacheDirectory` nil is `$PEQA_CACHE/tokens`, else `~/.cache/peqa/tokens`.
  package init(
    sources: [DatasetSource], tokenizer: any TextEncoder, chat: (any ChatEncoder)? = nil,
    settings: DatasetSettings = DatasetSettings(), cacheDirectory: String? = nil
  ) {
    self.sources = sources
    self.tokenizer = tokenizer
    self.chat = chat
    self.settings = settings
    self.cacheDirectory = cacheDirectory ?? Self.defaultCacheDirectory
  }

  package static var defaultCacheDirectory: String {
    if let path = ProcessInfo.processInfo.environment["PEQA_CACHE"], !path.isEmpty {
      return path + "/tokens"
    }
    return FileManager.default.homeDirectoryForCurrentUser.path + "/.cache/peqa/tokens"
  }

  /// Prepares the data, or takes it from the cache.
  ///
  /// - Parameters:
  ///   - progress: called with the part done, 0...1, while tokens are made.
  ///   - isCancelled: polled after every record; true ends the build with `cancelled`.
  /// - Throws: `DatasetError`; `CheckpointError` for files; what tokenizer and template throw.
  package func build(
    progress: @escaping (Double) -> Void = { _ in },
    isCancelled: @escaping () -> Bool = { false }
  ) throws -> PreparedDatasets {
    try checkSettings()
    let files = try sources.map { source in
      try source.files().map { try SourceFile(path: $0, largestRecord: settings.largestRecord) }
    }
    TemporaryFiles.removeAbandoned(from: cacheDirectory, suffix: ".tokens")
    let key = cacheKey(files)
    let (cache, state) = try openOrWrite(path(ofKey: key), key, files, progress, isCancelled)
    return try prepared(cache, key, state, files: files.joined().map(\.path))
  }

  /// Maps the cache that another rank has built or found, without reading the data files.
  ///
  /// - Parameter isVerified: another process of this node has read the whole file already.
  /// - Throws: `DatasetError.cacheUnusable` where there is none, or another one.
  package func open(
    _ identity: CacheIdentity, isVerified: Bool
  ) throws -> PreparedDatasets {
    try checkSettings()
    let path = path(ofKey: identity.key)
    let cache: TokenCache
    do throws(TokenCache.Unusable) {
      cache = try TokenCache(
        path: path, key: identity.key, trust: isVerified ? .digest(identity.digest) : .nothing)
    } catch {
      throw DatasetError.cacheUnusable(path: path, reason: error.reason)
    }
    guard cache.digest == identity.digest else {
      throw DatasetError.cacheUnusable(path: path, reason: "its content is another")
    }
    // Only messages name the files; they need not be on this host.
    let files = sources.flatMap { (try? $0.files()) ?? [] }
    return try prepared(cache, identity.key, .reused, files: files)
  }

  private func path(ofKey key: String) -> String { "\(cacheDirectory)/\(key.prefix(32)).tokens" }

  private func prepared(
    _ cache: TokenCache, _ key: String, _ state: CacheState, files: [String]
  ) throws -> PreparedDatasets {
    try cache.requirePlausibleSamples(maximumLength: settings.maximumLength)
    return try PreparedDatasets(
      cache: cache, key: key, state: state, settings: settings, sources: sources, files: files)
  }

  private func checkSettings() throws(DatasetError) {
    guard !sources.isEmpty else {
      throw .badSetting(key: "datasets", reason: "there is none; name at least one path")
    }
    guard settings.maximumLength >= 2 else {
      throw .badSetting(
        key: "max_seq_length", reason: "\(settings.maximumLength) is too short; at least 2")
    }
  }

  private func openOrWrite(
    _ path: String, _ key: String, _ files: [[SourceFile]],
    _ progress: @escaping (Double) -> Void, _ isCancelled: @escaping () -> Bool
  ) throws -> (TokenCache, CacheState) {
    var state = CacheState.built
    if FileManager.default.fileExists(atPath: path) {
      do throws(TokenCache.Unusable) {
        return (try TokenCache(path: path, key: key), .reused)
      } catch {
        state = .rebuilt(reason: error.reason)
        // Publishing never replaces a file.
        unlink(path)
      }
    }
    let monitor = BuildProgress(
      total: files.joined().reduce(0) { $0 + $1.file.bytes.count }, progress: progress,
      isCancelled: isCancelled)
    let isOurs = try write(to: path, key, files, monitor)
    do throws(TokenCache.Unusable) {
      return (try TokenCache(path: path, key: key), isOurs ? state : .reused)
    } catch {
      throw DatasetError.cacheUnwritable(
        path: path, reason: "what was just written cannot be read back: \(error.reason)", code: 74)
    }
  }

  /// False where another process has published the same cache meanwhile: what was written here is
  /// thrown away, and that file is taken.
  private func write(
    to path: String, _ key: String, _ files: [[SourceFile]], _ monitor: BuildProgress
  ) throws -> Bool {
    let encoder = try SampleEncoder(
      tokenizer: tokenizer, chat: chat, beginsWithBOS: settings.beginsWithBOS)
    do {
      try FileManager.default.createDirectory(
        atPath: cacheDirectory, withIntermediateDirectories: true)
    } catch {
      throw DatasetError.cacheUnwritable(
        path: cacheDirectory, reason: "the directory cannot be made", code: 77)
    }
    do {
      var pass = DatasetWriter(
        encoder: encoder, settings: settings, monitor: monitor,
        writer: try TokenCacheWriter(path: path, key: key))
      var firstFile = 0
      for (source, files) in zip(sources, files) {
        try pass.add(source, files, firstFile: firstFile)
        firstFile += files.count
      }
      try pass.finish(path: sources.map(\.path).joined(separator: ", "))
      return true
    } catch CheckpointError.exists, CheckpointError.system(_, _, EEXIST) {
      return false
    } catch let error as CheckpointError {
      throw DatasetError.cacheUnwritable(
        path: path, reason: error.description, code: error.exitCode)
    }
  }

  /// SHA-256 over everything that decides the cache's content.
  private func cacheKey(_ files: [[SourceFile]]) -> String {
    let sourceKeys: [JSONValue] = zip(sources, files).map { source, files in
      [
        "type": .string(source.type.rawValue), "split": .string(source.split.description),
        "files": .array(
          files.map {
            [.string($0.pathExtension), .string(SHA256.hexDigest(of: $0.file.bytes))]
          }),
      ]
    }
    let key: JSONValue = [
      "code": .integer(Self.codeVersion), "tokenizer": .string(tokenizer.fingerprint),
      "chat": chat.map { .string($0.fingerprint) } ?? .null,
      "max_seq_length": .integer(settings.maximumLength),
      "excess": .string(settings.excessLengthStrategy.rawValue),
      "train_on_inputs": .bool(settings.trainOnInputs),
      "begins_with_bos": .bool(settings.beginsWithBOS ?? tokenizer.beginsWithBOS),
      "bos": tokenizer.bosID.map { .integer(Int($0)) } ?? .null,
      "eos": tokenizer.eosID.map { .integer(Int($0)) } ?? .null,
      "special_in_text": .bool(settings.parsesSpecialInText), "sources": .array(sourceKeys),
    ]
    return SHA256.hexDigest(of: Array(key.text().utf8))
  }
}
