#ifndef PEQA_BUILD_H
#define PEQA_BUILD_H

// The commit that the program was built from, in short; empty where the build knew none.
const char *peqa_build_commit(void);

#endif
