// What Swift's Glibc lacks for files: the table of mapped files with its SIGBUS handler, and an
// exchange of two names in one step.
#ifndef PEQA_FILES_H
#define PEQA_FILES_H

#include <stddef.h>

// Notes that [start, start + length) is a mapping of the file at `path`, whose first
// PEQA_MAPPING_PATH - 1 bytes are copied. Gives the slot for peqa_mapping_remove, or -1 where the
// table is full: faults in that mapping then end the process as they would without a handler.
int peqa_mapping_add(const void *start, size_t length, const char *path);

// Forgets a mapping; call it before munmap. A slot of -1 is nothing to forget.
void peqa_mapping_remove(int slot);

// Installs a SIGBUS handler. A fault inside a mapping of the table writes
//   SPEAKER PATH: was shortened or cannot be read ...
// to stderr and ends the process with `exit_code`. All other faults go to the handler that was
// there before. `speaker` is copied, 127 bytes at most. A second call replaces speaker and code
// only. Gives 0, or errno.
int peqa_mapping_guard(const char *speaker, int exit_code);

// Exchanges two names in one step (renameat2 with RENAME_EXCHANGE). Gives 0, or errno; ENOSYS and
// EINVAL where the kernel or the file system cannot.
int peqa_exchange(const char *one, const char *other);

enum { PEQA_MAPPING_SLOTS = 4096, PEQA_MAPPING_PATH = 512 };

#endif
