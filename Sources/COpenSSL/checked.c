/* Compares our declarations with OpenSSL's headers, where those are installed: a wrong type or value does not compile. */
#if __has_include(<openssl/ssl.h>)
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "COpenSSL.h"

#if OPENSSL_VERSION_MAJOR == 3
#define SAME_TYPE(result, name, parameters, arguments) \
  _Static_assert(__builtin_types_compatible_p(__typeof__(name), result parameters), #name);
COPENSSL_FUNCTIONS(SAME_TYPE)

#define SAME_VALUE(name, value) _Static_assert((name) == (value), #name);
COPENSSL_CONSTANTS(SAME_VALUE)

_Static_assert(OSSL_RECORD == SSL3_RT_MAX_PLAIN_LENGTH, "the size of a record");
#endif
#endif
