internal import ChatTemplates
internal import Checkpoints

/// One pass over all sources: records become samples, samples go to the cache file.
struct DatasetWriter: ~Copyable {
  private let encoder: SampleEncoder
  private let settings: DatasetSettings
  private let monitor: BuildProgress
  private var writer: TokenCacheWriter
  private(set) var counts = DatasetCounts()
  /// Lengths before any cut, of all samples with something to learn.
  private var originalLengths: [Int32] = []
  private var keptLengths: [Int32] = []
  private var longest: (length: Int, location: String) = (0, "")

  /// Bytes of plain text encoded at once.
  private static let chunkSize = 1 << 20

  init(
    encoder: SampleEncoder, settings: DatasetSettings, monitor: BuildProgress,
    writer: consuming TokenCacheWriter
  ) {
    self.encoder = encoder
    self.settings = settings
    self.monitor = monitor
    self.writer = writer
  }

  /// Adds the samples of a source; `firstFile` is the index of its first file over all sources.
  mutating func add(
    _ source: DatasetSource, _ files: [SourceFile], firstFile: Int
  ) throws {
    let type = try files[0].resolvedType(source.type)
    counts.sources.append(DatasetCounts.Source(type: type))
    let plain = files.map { $0.isPlainText(as: source.type == .auto ? .auto : type) }
    if source.split.hasSlice, plain.contains(true) {
      throw DatasetError.badSetting(
        key: "datasets.split", reason: "\(source.path) is plain text and has no records to slice")
    }
    let kept = try source.split.keptRecords(of: files)
    var record = 0
    for (offset, file) in files.enumerated() {
      if plain[offset] {
        try addText(file, index: firstFile + offset)
      } else {
        try addRecords(of: file, index: firstFile + offset, type, kept, &record)
      }
      monitor.finishFile(bytes: file.file.bytes.count)
    }
    guard counts.sources[counts.sources.count - 1].records > 0 else {
      throw DatasetError.empty(
        path: source.path + (source.split.hasSlice ? " \(source.split.description)" : ""),
        reason: "the data set is empty")
    }
  }

  /// Writes what is left; throws where samples are too long or nothing is to be learnt.
  consuming func finish(path: String) throws {
    if counts.dropped + counts.truncated > 0, settings.excessLengthStrategy == .raise {
      throw DatasetError.tooLong(
        ExcessReport(
          overLong: counts.dropped, samples: originalLengths.count,
          maximumLength: settings.maximumLength, lengths: LengthStatistics(originalLengths),
          longest: longest.location))
    }
    guard counts.samples > 0 else {
      throw DatasetError.nothingSupervised(
        path: path, samples: counts.unsupervised + counts.dropped)
    }
    counts.lengths = LengthStatistics(keptLengths)
    let counts = counts
    try writer.finish(counts)
  }

  private mutating func addRecords(
    of file: SourceFile, index: Int, _ type: DatasetType, _ kept: Range<Int>, _ record: inout Int
  ) throws {
    guard var reader = file.records else { return }
    while record < kept.upperBound, let next = try reader.next() {
      defer { record += 1 }
      guard kept.contains(record) else { continue }
      countRecord()
      let example = try Example(
        next.value, type: type, location: next.location.text(path: file.path))
      let sample = try encode(example, next.location, path: file.path)
      if case .document = example {
        var windows = TextWindows(length: settings.maximumLength)
        for window in windows.add(sample.tokens) + windows.finish() {
          try keep(document: window, file: index, location: next.location)
        }
      } else {
        try add(sample, file: index, next.location, path: file.path)
      }
      try monitor.advance(to: next.bytesRead)
    }
  }

  /// A template that refuses a conversation does not know where that stands.
  private func encode(
    _ example: Example, _ location: RecordLocation, path: String
  ) throws -> EncodedSample {
    do {
      return try encoder.encode(example, parsesSpecialInText: settings.parsesSpecialInText)
    } catch let error as ChatTemplateError {
      throw DatasetError.malformed(location: location.text(path: path), reason: error.description)
    }
  }

  private mutating func addText(_ file: SourceFile, index: Int) throws {
    let tokenizer = encoder.tokenizer
    var chunks = TextChunks(
      file.file, path: file.path, target: tokenizer.splitsBetweenWords ? Self.chunkSize : nil)
    var windows = TextWindows(length: settings.maximumLength)
    var number = 0
    func location() -> RecordLocation {
      defer { number += 1 }
      return RecordLocation(kind: .window, number: number)
    }
    var isFirst = true
    var last: Int32?
    while let text = try chunks.next() {
      if isFirst { countRecord() }
      let ids = try tokenizer.encode(
        text, parseSpecial: settings.parsesSpecialInText, after: last)
      for window in windows.add(isFirst ? encoder.start + ids : ids) {
        try keep(document: window, file: index, location: location())
      }
      isFirst = false
      last = ids.last ?? last
      try monitor.advance(to: chunks.position)
    }
    for window in windows.finish() { try keep(document: window, file: index, location: location()) }
  }

  private mutating func countRecord() {
    counts.records += 1
    counts.sources[counts.sources.count - 1].records += 1
  }

  private mutating func keep(document ids: [Int32], file: Int, location: RecordLocation) throws {
    originalLengths.append(Int32(ids.count))
    let sample = EncodedSample(tokens: ids, responses: [])
    try write(sample, sample.supervision(trainOnInputs: true), file, location)
  }

  private mutating func add(
    _ sample: EncodedSample, file: Int, _ location: RecordLocation, path: String
  ) throws {
    guard sample.supervision(trainOnInputs: settings.trainOnInputs).contains(true) else {
      counts.unsupervised += 1
      return
    }
    let length = sample.tokens.count
    originalLengths.append(Int32(length))
    if length > longest.length { longest = (length, location.text(path: path)) }
    guard length > settings.maximumLength else {
      try write(sample, sample.supervision(trainOnInputs: settings.trainOnInputs), file, location)
      return
    }
    guard settings.excessLengthStrategy == .truncate,
      let cut = sample.truncated(to: settings.maximumLength)
    else {
      counts.dropped += 1
      return
    }
    counts.truncated += 1
    try write(cut, cut.supervision(trainOnInputs: settings.trainOnInputs), file, location)
  }

  private mutating func write(
    _ sample: EncodedSample, _ mask: [Bool], _ file: Int, _ location: RecordLocation
  ) throws {
    try writer.append(sample.tokens, supervised: mask, file: file, location: location)
    counts.samples += 1
    counts.sources[counts.sources.count - 1].samples += 1
    counts.tokens += sample.tokens.count
    counts.supervisedTokens += mask.count { $0 }
    keptLengths.append(Int32(sample.tokens.count))
  }
}

extension DatasetSplit {
  /// Records of a source that the slice keeps; counts them where it must.
  fileprivate func keptRecords(of files: [SourceFile]) throws -> Range<Int> {
    guard hasSlice else { return 0..<Int.max }
    var count = 0
    for file in files {
      var reader = file.records
      count += try reader?.countRemaining() ?? 0
    }
    return range(count: count)
  }
}
