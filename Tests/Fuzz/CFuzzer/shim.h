#ifndef PEQA_CFUZZER_SHIM_H
#define PEQA_CFUZZER_SHIM_H
#include <stddef.h>
#include <stdint.h>

// libFuzzer's own loop (compiler-rt, FuzzerInterface.h). Calls `run` until a limit of its flags is
// reached; flags that begin with two dashes are left to the program.
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*run)(const uint8_t *data, size_t size));

#endif
