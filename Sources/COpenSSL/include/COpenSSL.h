/* OpenSSL 3 for WSTLS, loaded when it is first wanted: a program that never uses TLS neither needs it nor pays for it. None of
 * OpenSSL's headers is needed to build; checked.c compares with them where they are installed.
 *
 * Swift calls ossl_X for a function X of OpenSSL, after copenssl_load has given 1. Constants are called ossl_X as well. */
#ifndef WSSWIFT_COPENSSL_H
#define WSSWIFT_COPENSSL_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The types under OpenSSL's own names; it declares them the same way. */
typedef struct ossl_init_settings_st OPENSSL_INIT_SETTINGS;
typedef struct bio_st BIO;
typedef struct bio_method_st BIO_METHOD;
typedef struct x509_st X509;
typedef struct X509_name_st X509_NAME;
typedef struct x509_store_st X509_STORE;
typedef struct x509_store_ctx_st X509_STORE_CTX;
typedef struct X509_VERIFY_PARAM_st X509_VERIFY_PARAM;
typedef struct evp_pkey_st EVP_PKEY;
typedef struct GENERAL_NAME_st GENERAL_NAME;
typedef struct stack_st_GENERAL_NAME GENERAL_NAMES;
typedef struct stack_st OPENSSL_STACK;
typedef struct ssl_method_st SSL_METHOD;
typedef struct ssl_session_st SSL_SESSION;
typedef struct ssl_ctx_st SSL_CTX;
typedef struct ssl_st SSL;
struct stack_st_X509;
struct stack_st_X509_NAME;

typedef int pem_password_cb(char *space, int room, int is_writing, void *user);
typedef int (*SSL_verify_cb)(int is_good, X509_STORE_CTX *check);
typedef int (*SSL_CTX_alpn_select_cb_func)(SSL *ssl, const unsigned char **chosen, unsigned char *size, const unsigned char *offered,
                                           unsigned int offered_size, void *user);
typedef void (*SSL_CTX_keylog_cb_func)(const SSL *ssl, const char *line);
typedef int (*ossl_new_session)(SSL *ssl, SSL_SESSION *session);
typedef int (*ossl_bio_read)(BIO *bio, char *space, size_t room, size_t *got);
typedef int (*ossl_bio_write)(BIO *bio, const char *data, size_t size, size_t *taken);
typedef long (*ossl_bio_ctrl)(BIO *bio, int command, long number, void *pointer);

#include "COpenSSLLists.h"

#define COPENSSL_MEMBER(result, name, parameters, arguments) result(*name) parameters;
struct copenssl_table {
  void *library; /* what dlopen gave for libssl.so.3 */
  COPENSSL_FUNCTIONS(COPENSSL_MEMBER)
};
#undef COPENSSL_MEMBER

#pragma GCC visibility push(hidden)

/* What copenssl_load found. Written once, by whoever comes first; never freed. */
extern struct copenssl_table *copenssl_loaded;

/* Loads libssl.so.3 unless that was done. 1: everything is there · 0: there is no such library · -1: it lacks a function, or is not
 * OpenSSL 3. Any thread, any number of times. No lock, so that a fork in the middle of it leaves none behind. */
int copenssl_load(void);

/* SSL_write_ex with `size` bytes, from `offset` on, of two pieces that lie in different places, as one record at most. */
int copenssl_write(SSL *ssl, const void *first, size_t first_size, const void *second, size_t offset, size_t size, size_t *taken);

#pragma GCC visibility pop

/* What dlopen gave for libssl.so.3; NULL before copenssl_load has given 1. */
static inline void *copenssl_library(void) {
  const struct copenssl_table *table = __atomic_load_n(&copenssl_loaded, __ATOMIC_ACQUIRE);
  return table == NULL ? NULL : table->library;
}

/* The largest record's data, RFC 8446 5.1. */
enum { OSSL_RECORD = 16384 };

/* ERR_GET_REASON, a macro in OpenSSL. */
static inline int ossl_reason(unsigned long code) {
  return (code & ((unsigned long)INT32_MAX + 1)) != 0 ? (int)(code & INT32_MAX) : (int)(code & 0x7FFFFF);
}

#define COPENSSL_CALL(result, name, parameters, arguments) \
  static inline result ossl_##name parameters { return __atomic_load_n(&copenssl_loaded, __ATOMIC_ACQUIRE)->name arguments; }
COPENSSL_FUNCTIONS(COPENSSL_CALL)
#undef COPENSSL_CALL

#define COPENSSL_VALUE(name, value) static const int ossl_##name = value;
COPENSSL_CONSTANTS(COPENSSL_VALUE)
#undef COPENSSL_VALUE

#endif
