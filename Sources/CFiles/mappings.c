#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "peqa_files.h"

// One mapping. `start` is 0 in a free slot; it is written last, so that the handler, which may run
// on any thread at any time and takes no lock, never sees half a slot.
typedef struct {
  _Atomic uintptr_t start;
  _Atomic size_t length;
  char path[PEQA_MAPPING_PATH];
} mapping;

static mapping table[PEQA_MAPPING_SLOTS];
// For those who add and remove; the handler does without.
static pthread_mutex_t writers = PTHREAD_MUTEX_INITIALIZER;

static char speaker_text[128];
static int guard_exit_code;
static struct sigaction earlier;

int peqa_mapping_add(const void *start, size_t length, const char *path) {
  int slot = -1;
  pthread_mutex_lock(&writers);
  for (int i = 0; i < PEQA_MAPPING_SLOTS && slot < 0; i++) {
    if (atomic_load_explicit(&table[i].start, memory_order_relaxed) != 0) continue;
    slot = i;
    strncpy(table[i].path, path, PEQA_MAPPING_PATH - 1);
    atomic_store_explicit(&table[i].length, length, memory_order_relaxed);
    atomic_store_explicit(&table[i].start, (uintptr_t)start, memory_order_release);
  }
  pthread_mutex_unlock(&writers);
  return slot;
}

void peqa_mapping_remove(int slot) {
  if (slot < 0 || slot >= PEQA_MAPPING_SLOTS) return;
  atomic_store_explicit(&table[slot].start, 0, memory_order_release);
}

static const char *path_of(uintptr_t address) {
  for (int i = 0; i < PEQA_MAPPING_SLOTS; i++) {
    uintptr_t start = atomic_load_explicit(&table[i].start, memory_order_acquire);
    size_t length = atomic_load_explicit(&table[i].length, memory_order_relaxed);
    // The kernel maps whole pages: the last one reaches beyond the file's end.
    if (start != 0 && address >= start && address - start < length) return table[i].path;
  }
  return NULL;
}

// Appends to a buffer of `room` bytes; strlen and memcpy are async-signal-safe.
static size_t append(char *buffer, size_t used, size_t room, const char *text) {
  size_t count = strlen(text);
  if (count > room - used) count = room - used;
  memcpy(buffer + used, text, count);
  return used + count;
}

static void say(const char *path) {
  char line[PEQA_MAPPING_PATH + 512];
  size_t used = append(line, 0, sizeof line, speaker_text);
  used = append(line, used, sizeof line, path);
  used = append(line, used, sizeof line,
                ": was shortened or cannot be read while it is in use. Put the whole file back, or "
                "look at its disk or file server, then start again.\n");
  // One call, so that lines of several ranks do not mix.
  ssize_t written = write(STDERR_FILENO, line, used);
  (void)written;
}

static void on_bus_error(int signal_number, siginfo_t *info, void *context) {
  (void)context;
  // A code of 0 or less: sent by a process, and the address means nothing.
  const char *path = info->si_code > 0 ? path_of((uintptr_t)info->si_addr) : NULL;
  if (path != NULL) {
    say(path);
    _exit(guard_exit_code);
  }
  // Not ours: the instruction runs again on return, and meets the handler of before.
  sigaction(SIGBUS, &earlier, NULL);
  if (info->si_code <= 0) raise(signal_number);
}

int peqa_mapping_guard(const char *speaker, int exit_code) {
  strncpy(speaker_text, speaker, sizeof speaker_text - 1);
  guard_exit_code = exit_code;
  struct sigaction now;
  if (sigaction(SIGBUS, NULL, &now) != 0) return errno;
  if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_bus_error) return 0;
  earlier = now;
  struct sigaction action = {0};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  return sigaction(SIGBUS, &action, NULL) == 0 ? 0 : errno;
}
