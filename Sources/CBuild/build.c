// What a build knows of itself. A C file of its own, because its text changes with every commit and
// nothing else shall be compiled again for that.
#include "peqa_build.h"

const char *peqa_build_commit(void) { return PEQA_COMMIT; }
