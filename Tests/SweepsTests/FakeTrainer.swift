import Foundation
import RunHistory
import Sweeps
import TestSupport

/// A stand-in for `peqa train` that trains nothing and leaves what a run leaves, and its sweeps.
///
/// Its eval_loss is |log10(learning_rate) + 2.5| + seed / 100 + 1 / step: least for 3e-3.
struct FakeTrainer {
  let folder: TemporaryFolder
  var environment: [String: String]

  private static let script = #"""
    #!/bin/bash
    run=$2 stop=0
    [ "$3" != --stop-at-step ] || stop=$4
    value() { sed -n "s/^$1: //p" "$run"; }
    out=$(value output_dir) total=$(value max_steps) rate=$(value learning_rate) seed=$(value seed)
    mkdir -p "$out"
    exec 9>>"$out/.lock"
    flock -n 9 || exit 73
    [ ! -e "$out/train_results.json" ] || exit 73
    [ "$rate" != "$FAKE_FAILS" ] || { echo "peqa: step 1: loss is not finite" >&2; exit 3; }
    if [ -n "$FAKE_LOST" ] && [ ! -e "$FAKE_LOST" ]; then touch "$FAKE_LOST"; exit 137; fi
    cp "$run" "$out/config.resolved.yaml"
    echo '{"hosts":["here"],"ranks":1}' >"$out/run.json"
    step=$(ls "$out" | sed -n 's/^checkpoint-//p' | sort -n | tail -1)
    step=${step:-0} last=$((stop > 0 && stop < total ? stop : total))
    while [ "$step" -lt "$last" ]; do
      step=$((step + 1))
      echo "${out##*/} $step" >>"$FAKE_LOG"
      [ -z "$FAKE_DELAY" ] || sleep "$FAKE_DELAY"
      echo "{\"step\":$step,\"loss\":$seed}" >>"$out/metrics.jsonl"
      [ "$step" -ne "$last" ] || awk -v r="$rate" -v s="$seed" -v n="$step" \
        'BEGIN { x = log(r) / log(10) + 2.5; if (x < 0) x = -x;
          printf "{\"step\":%d,\"eval_loss\":%.9f}\n", n, x + s / 100 + 1 / n }' >>"$out/metrics.jsonl"
      mkdir "$out/checkpoint-$step"
      [ "$step" -eq 1 ] || rmdir "$out/checkpoint-$((step - 1))" 2>/dev/null
    done
    [ "$step" -lt "$total" ] || echo "{\"global_step\":$step}" >"$out/train_results.json"
    """#

  init() throws {
    folder = try TemporaryFolder()
    let program = try folder.put("trainer", Self.script + "\n")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: program)
    environment = ProcessInfo.processInfo.environment.merging([
      "PEQA": program, "FAKE_LOG": folder("steps"),
    ]) { $1 }
  }

  /// Writes a sweep file with this section; `run` is added to the run's settings.
  @discardableResult
  func write(_ section: String, run: String = "val_set_size: 0.1") throws -> String {
    try folder.put(
      "sweep.yaml",
      """
      model: base
      datasets: [{path: text.txt, type: text}]
      max_steps: 10
      output_dir: out
      \(run)
      sweep:
      \(section)
      """)
  }

  /// One start of the sweep.
  @discardableResult
  func sweep(
    retryFailed: Bool = false, signal: @escaping () -> Int32? = { nil },
    report: @escaping (Sweep.Event) -> Void = { _ in }
  ) throws -> SweepResults {
    let file = try SweepFile(path: folder("sweep.yaml"))
    let plan = try SweepPlan(file)
    let launcher = try RunLauncher(
      ranks: file.settings.ranks, environment: environment, signal: signal)
    let sweep = Sweep(
      plan, in: try SweepFolder(plan, file, forgetsFailures: retryFailed), launcher: launcher,
      settings: file.settings, report: report)
    sweep.queueInterval = 0.05
    let results = try sweep()
    try results.write()
    return results
  }

  /// `run-0001 1`, ...: every step that was ever trained, in that order.
  var steps: [String] {
    let text = (try? String(contentsOfFile: folder("steps"), encoding: .utf8)) ?? ""
    return text.split(separator: "\n").map(String.init)
  }
}
