internal import ArgumentParser
internal import Collectives
internal import Reporting
internal import Training

/// The sum of a step's gradients over ranks, alone: what the network does to it.
struct BenchExchange: RankedCommand {
  static let configuration = CommandConfiguration(
    commandName: "exchange",
    abstract: "Measure the exact sum of a step's gradients over ranks. Start it with mpirun.")

  @Option(help: "Numbers in the gradient: scales of the model. LLaMA-7B per row has 1,359,872.")
  var parameters = 1_359_872

  @OptionGroup var options: BenchOptions

  var verbosity: VerbosityOptions { options.verbosity }

  func validate() throws {
    guard (1...1 << 30).contains(parameters) else {
      throw ValidationError("--parameters must lie between 1 and 2^30.")
    }
  }

  func run(on rank: RankContext) throws {
    var table = MeasurementTable([
      ("gradient_sum", "gradient_sum"), ("ranks", "ranks"), ("bytes_sent", "bytes a rank sends"),
      ("seconds_median", "median s"), ("seconds_least", "least s"),
      ("seconds_greatest", "greatest s"), ("megabytes_per_second", "MB/s per rank"),
    ])
    for width in SumWidth.allCases {
      var trial = ExchangeTrial(
        parameters: parameters, over: rank.communicator, width: width)
      // Does not count: connections are made, and a narrow sum fits its steps to what it meets.
      var bytes = try trial.take().bytesSent
      var seconds: [Double] = []
      for _ in 0..<options.repetitions {
        let taken = try trial.take()
        seconds.append(taken.seconds)
        bytes = taken.bytesSent
      }
      let spread = Spread(seconds)
      table.add([
        .text(width.rawValue), .integer(rank.communicator.size), .integer(bytes),
        .real(spread.median, digits: 4), .real(spread.least, digits: 4),
        .real(spread.greatest, digits: 4), .real(Double(bytes) / spread.median / 1e6, digits: 1),
      ])
    }
    if rank.communicator.rank == 0 { options.show(table) }
  }
}
