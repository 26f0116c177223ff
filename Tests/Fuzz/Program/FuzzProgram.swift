internal import CFuzzer
internal import FuzzTargets
internal import Glibc

/// `peqa-fuzz --target=NAME [flags and folders of libFuzzer]`: searches for inputs that end a
/// parser in any other way than with a value or a typed error.
///
/// `--list` prints the targets and their largest inputs; `--target=NAME --seeds=FOLDER` writes the
/// inputs to begin with into a folder, and a dictionary to `FOLDER.dict`.
/// `launch/fuzz` builds and starts it; CONTRIBUTING.md, "Tests" says when.
@main enum FuzzProgram {
  static let flag = "--target="
  static let seedsFlag = "--seeds="

  /// What each execution runs, from the command line.
  static let chosen = FuzzTarget.all.first { target in
    CommandLine.arguments.contains(flag + target.name)
  }

  static func main() {
    if CommandLine.arguments.contains("--list") {
      for target in FuzzTarget.all { print(target.name, target.maximumSize) }
      return
    }
    guard let chosen else {
      print("peqa-fuzz: give \(flag)NAME with one of: \(FuzzTarget.all.map(\.name))")
      exit(64)
    }
    if let folder = CommandLine.arguments.first(where: { $0.hasPrefix(seedsFlag) }) {
      Seeds.write(of: chosen, to: String(folder.dropFirst(seedsFlag.count)))
      return
    }
    var (count, arguments) = (CommandLine.argc, Optional(CommandLine.unsafeArgv))
    let code = withUnsafeMutablePointer(to: &arguments) { pointer in
      pointer.withMemoryRebound(
        to: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?.self, capacity: 1
      ) {
        LLVMFuzzerRunDriver(&count, $0) { data, size in
          FuzzProgram.chosen?.run(UnsafeRawBufferPointer(start: data, count: size))
          return 0
        }
      }
    }
    exit(code)
  }
}
