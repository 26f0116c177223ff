internal import ArgumentParser
internal import ChatTemplates
internal import ClusterDiagnosis
internal import Collectives
internal import Datasets
internal import Foundation
internal import Tokenization
internal import Training

/// Makes a token cache once for all ranks that share its folder, and maps it on each of them.
///
/// One rank per file system reads the data files and builds the cache, or finds it there. It tells
/// the others key and digest. The first rank of each other node then reads the file once to verify
/// it, and the remaining ranks only map it.
struct DataPreparation {
  private let rank: RankContext
  private let folder: String
  /// The rank that builds for this one.
  private let builder: Int
  private let signals: StopSignals

  /// Tokenizing a large data set takes longer than any step. Only for ranks whose signs of life do
  /// not come through.
  private static let patience = 6 * 3600.0

  /// `folder` is that of the caches; all ranks call it together.
  init(_ rank: RankContext, folder: String? = nil, _ signals: StopSignals) throws {
    self.rank = rank
    self.folder = folder ?? DatasetBuilder.defaultCacheDirectory
    self.signals = signals
    builder = try FolderProbe.builder(in: self.folder, rank.communicator)
  }

  /// All ranks call it together, with the same sources and settings.
  func callAsFunction(_ recipe: DatasetBuilder) throws -> PreparedDatasets {
    var recipe = recipe
    recipe.cacheDirectory = folder
    let communicator = rank.communicator
    communicator.blindTimeout = Self.patience
    defer { communicator.blindTimeout = nil }
    var prepared: PreparedDatasets?
    try rank.agree {
      if builder == communicator.rank {
        prepared = try build(recipe)
      } else {
        communicator.beginPhase(
          "waiting for the token cache of \(communicator.name(ofRank: builder))")
      }
    }
    let identities = try communicator.allGather(prepared?.identity.bytes ?? [])
    let identity = CacheIdentity(bytes: identities[builder])
    for isVerified in [false, true] {
      try rank.agree {
        guard prepared == nil, isVerified || communicator.nodeRank == 0 else { return }
        communicator.beginPhase("opening the token cache")
        prepared = try open(identity, of: recipe, isVerified: isVerified)
      }
    }
    return try prepared ?? build(recipe)
  }

  /// The samples of one source, with the chat template of the model; all ranks call it together.
  func samples(
    of source: DatasetSource, _ tokenizer: Tokenizer, _ settings: DatasetSettings
  ) throws -> TokenDataset {
    let template = try tokenizer.chatTemplate()
    let prepared = try self(
      DatasetBuilder(
        sources: [source], tokenizer: tokenizer,
        chat: template.map { TemplateChatEncoder(tokenizer: tokenizer, template: $0) },
        settings: settings))
    rank.console.detail(prepared.description)
    return prepared.train
  }

  private func build(_ recipe: DatasetBuilder) throws -> PreparedDatasets {
    let progress = ProgressLine(rank.console, "tokenizing, per mille", total: 1000)
    do {
      return try recipe.build(
        progress: {
          progress.update(Int($0 * 1000))
          rank.communicator.beginPhase("tokenizing, \(Int($0 * 100)) %")
        }, isCancelled: { signals.received != nil })
    } catch DatasetError.cancelled {
      throw ExitCode(signals.received?.exitCode ?? DatasetError.cancelled.exitCode)
    }
  }

  /// A file that does not arrive, or arrives damaged, is made here: publishing replaces nothing.
  private func open(
    _ identity: CacheIdentity?, of recipe: DatasetBuilder, isVerified: Bool
  ) throws -> PreparedDatasets {
    guard let identity else { return try build(recipe) }
    let clock = ContinuousClock()
    let end = clock.now + .seconds(3)
    while true {
      do {
        return try recipe.open(identity, isVerified: isVerified)
      } catch DatasetError.cacheUnusable(_, let reason) {
        guard clock.now < end else {
          rank.console.warn(
            "\(rank.communicator.name(ofRank: rank.communicator.rank)) makes its own token cache: "
              + reason, fromAnyRank: true)
          return try build(recipe)
        }
        usleep(50_000)
      }
    }
  }
}
