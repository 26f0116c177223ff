internal import Foundation
internal import SystemPackage

/// A program that is started and waited for, in a process group of its own: signals reach it only
/// where they are passed on.
struct ChildProcess {
  private let process: pid_t

  /// Starts `arguments[0]`, found by the PATH of `environment` where it has no slash.
  ///
  /// - Parameters:
  ///   - output: file that gets stdout, at its end, and stderr too where there is no `errors`.
  ///   - errors: file that gets stderr.
  init(
    _ arguments: [String], environment: [String: String], output: String, errors: String? = nil
  ) throws(SweepError) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(
      &actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_APPEND, 0o666)
    if let errors {
      posix_spawn_file_actions_addopen(
        &actions, STDERR_FILENO, errors, O_WRONLY | O_CREAT | O_APPEND, 0o666)
    } else {
      posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // A mask would be inherited.
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(
      &attributes, Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGMASK))

    var words = arguments.map { strdup($0) } + [nil]
    var settings = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for word in words + settings { free(word) } }
    var started: pid_t = 0
    let program = Self.path(of: arguments[0], environment)
    var code: Int32
    var tries = 0
    // A file that somebody has open for writing is no program yet: one that is being exchanged, or
    // whose writer has been copied into a process that is about to become another program.
    repeat {
      code = posix_spawn(&started, program, &actions, &attributes, &words, &settings)
      tries += 1
      if code == ETXTBSY { usleep(10_000) }
    } while code == ETXTBSY && tries < Self.triesOfBusyFile
    guard code == 0 else {
      throw .noLauncher("\(arguments[0]) cannot be started: \(Errno(rawValue: code))")
    }
    process = started
  }

  /// Ten milliseconds apart.
  private static let triesOfBusyFile = 200

  private static func path(of program: String, _ environment: [String: String]) -> String {
    guard !program.contains("/") else { return program }
    let folders = (environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
    return folders.map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 } ?? program
  }

  /// Its exit code once it has ended, 128 and the signal's number where one ended it.
  func exitCode() -> Int32? {
    var status: Int32 = 0
    guard waitpid(process, &status, WNOHANG) == process else { return nil }
    let signal = status & 0x7F
    return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
  }

  /// Passes a signal on.
  func send(_ signal: Int32) { kill(process, signal) }
}
