internal import ArgumentParser
internal import Checkpoints
internal import Collectives
internal import ExitCodes
internal import Foundation

/// The program: reads the command line, runs one command, turns errors into exit codes.
@main
struct Peqa: ParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "peqa",
      abstract: "Fine-tune quantized language models by their scales.",
      discussion: "Exit codes:\n\(ExitCodeTable.help)",
      version: Version.text,
      subcommands: [
        Quantize.self,
        Train.self,
        SweepCommand.self,
        Runs.self,
        Watch.self,
        Eval.self,
        Generate.self,
        Export.self,
        Inspect.self,
        ReportCommand.self,
        AdapterCommand.self,
        Plan.self,
        Doctor.self,
        Bench.self,
        Config.self,
      ])
  }

  static func main() {
    BLASRestart.restartIfUseful()
    FaultGuard.install(speaker: "peqa: ")
    // MPI is not up yet: the environment tells who should speak.
    let isFirst = Launcher().rank == 0
    var command: any ParsableCommand
    do {
      command = try parseAsRoot()
    } catch {
      // Usage errors, --help, --version.
      if isFirst { exit(withError: error) }
      Foundation.exit(exitCode(for: error).rawValue)
    }
    do {
      guard isFirst || command is any RankedCommand else { return }
      try command.run()
    } catch let error as any ExitCoded {
      Console().fail("\(error)")
      Foundation.exit(error.exitCode)
    } catch {
      exit(withError: error)
    }
  }
}
