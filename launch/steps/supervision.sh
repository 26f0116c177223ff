# Sourced by launch/mpirun-train and launch/train.sbatch: what both know about starting ranks, ending
# them and starting again. Needs bash 4.3. The caller sets: peqa.

# Prints a setting of the run, as flags, --set and the run file have it.
#   run_setting KEY RUN.yaml [more arguments of "peqa train"]
run_setting() {
  local key=$1 run_file=$2 settings=()
  local flag=--${key//_/-}
  shift 2
  while [ $# -gt 0 ]; do
    case $1 in
      --set) settings+=(--set "${2-}"); shift ;;
      --set=*) settings+=("$1") ;;
      "$flag") settings+=(--set "$key=${2-}"); shift ;;
      "$flag"=*) settings+=(--set "$key=${1#*=}") ;;
    esac
    shift
  done
  # Faults of a run file are the trainer's to report.
  "$peqa" config "$run_file" -q "${settings[@]}" --get "$key" 2>/dev/null || true
}

# Whether a text may be the name of a host: nothing that ssh or mpirun could take for an option, and
# nothing that a shell could take apart.
is_host_name() { [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]]; }

# Sets `words` to those of line NUMBER of a file. Quotes and backslashes hold words together as in a
# shell; nothing is expanded and no command runs.
#   words_of_line FILE NUMBER
words_of_line() {
  local line
  line=$(sed -n "${2}p" "$1")
  # xargs says what is wrong where a quote is not closed.
  xargs -r true <<<"$line" || return 65
  mapfile -d '' -t words < <(xargs -r printf '%s\0' <<<"$line")
}

# Sets `network` to Open MPI's arguments for several hosts, for a run with this comm_timeout.
network_arguments() {
  local limit=${1%%.*}
  # Ethernet: two connections a pair of hosts, because large all-reduces use half of one. Fast fabrics
  # are taken first where Open MPI finds them; this then has no effect.
  network=(--mca btl_tcp_links 2)
  # A cut network must be noticed by mpirun (8 minutes by default) before the ranks give up waiting:
  # after that it waits for ever for the host that is cut off. About half of comm_timeout in all.
  local probes=4
  [ "$limit" -ge 12 ] || probes=2
  network+=(--mca oob_tcp_keepalive_time "$(at_least_1 $((limit / 4)))"
    --mca oob_tcp_keepalive_intvl "$(at_least_1 $((limit / 20)))"
    --mca oob_tcp_keepalive_probes "$probes")
}
at_least_1() { echo $(($1 > 1 ? $1 : 1)); }

say() { echo "[$(date +%T)] ${0##*/}: $*" >&2; }

# Runs a launcher and waits for it. USR1 and USR2 are handed on: "save and stop". A launcher that hangs
# after its ranks have given a host up (they say so in failures.log) is ended.
# Sets `code`, and `stopping` where a signal came. A rank or host that is lost after the run has written
# its results, the last of its files, has nothing left to lose: 0.
#   supervise OUTPUT_DIR COMMAND...
supervise() {
  local log=$1/failures.log results=$1/train_results.json before results_before
  shift
  results_before=$(stat -c %i-%y "$results" 2>/dev/null || true)
  before=$(log_size "$log")
  stopping=
  "$@" &
  launcher=$!
  trap 'stopping=1; kill -USR1 "$launcher" 2>/dev/null' USR1 USR2
  # Below Slurm each process has its own TERM, and from a terminal its own INT: a second one would end
  # mpirun before it has ended its ranks.
  trap 'stopping=1; [ -n "${SLURM_JOB_ID-}" ] || kill -TERM "$launcher" 2>/dev/null' TERM
  trap 'stopping=1; [ -t 0 ] || kill -INT "$launcher" 2>/dev/null' INT
  end_after_failure "$log" "$before" "$launcher" &
  local watcher=$!
  # wait returns early when a trapped signal comes.
  while :; do
    wait "$launcher" && code=0 || code=$?
    kill -0 "$launcher" 2>/dev/null || break
  done
  trap - USR1 USR2 TERM INT
  kill "$watcher" 2>/dev/null || true
  wait "$watcher" 2>/dev/null || true
  if [ "$code" -ne 0 ] && [ -e "$results" ] &&
    [ "$(stat -c %i-%y "$results" 2>/dev/null || true)" != "$results_before" ]; then
    say "the launcher returned $code, but the run had finished"
    code=0
  fi
  # Ended by the watcher: what the ranks would have said.
  if [ "$code" -ne 0 ] && [ "$(log_size "$log")" -gt "$before" ]; then code=75; fi
  return 0
}

log_size() { stat -c %s "$1" 2>/dev/null || echo 0; }

# Ends a launcher some seconds after failures.log has grown: by then it has ended by itself, or never
# will. TERM twice ends mpirun without its clean-up, which is what hangs.
end_after_failure() {
  local log=$1 before=$2 process=$3 signal
  trap - USR1 USR2 TERM INT
  while [ "$(log_size "$log")" -le "$before" ]; do sleep 0.5; done
  sleep "${PEQA_LAUNCHER_GRACE:-3}"
  for signal in TERM TERM KILL; do
    kill -0 "$process" 2>/dev/null || return 0
    say "the ranks have given up, but the launcher has not ended: $signal to $process"
    kill -"$signal" "$process"
    sleep 1
  done
}

# Whether a start after this exit code can do better: 75 saved or timed out, 71 and 74 memory, disk or
# system of a host, 205 a host lost, or a rank crashed or was killed (`crash_signal`). A wrong run file
# or bad data (64, 65, 66, 78, 3) would only fail again.
worth_another_start() {
  case $1 in 71 | 74 | 75 | 205) return 0 ;; *) crash_signal "$1" >/dev/null ;; esac
}

# Prints the signal that ended a rank, where an exit code tells of one: 132 ILL and 133 TRAP (a check
# inside the program failed, or the CPU lacks an instruction), 134 ABRT, 135 BUS, 136 FPE, 137 KILL,
# 139 SEGV. The same rank may crash again at the same step, so a number of restarts that is limited is
# what ends such a run.
crash_signal() {
  case $1 in 132 | 133 | 134 | 135 | 136 | 137 | 139) kill -l $(($1 - 128)) ;; *) return 1 ;; esac
}
