#ifndef PEQA_CCRYPTO_SHIM_H
#define PEQA_CCRYPTO_SHIM_H
#include <openssl/evp.h>
#endif
