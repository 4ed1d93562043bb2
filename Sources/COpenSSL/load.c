/* Finds the functions of OpenSSL 3 at run time. */
#include "COpenSSL.h"

#include <dlfcn.h>

struct copenssl_table *copenssl_loaded;

/* One symbol of libssl or of the libcrypto that it needs. */
static int find(void *library, const char *name, void *place) {
  void *address = dlsym(library, name);
  memcpy(place, &address, sizeof address);
  return address != NULL;
}

#define COPENSSL_FIND(result, name, parameters, arguments) \
  if (!find(table->library, #name, &table->name)) return 0;
static int fill(struct copenssl_table *table) {
  COPENSSL_FUNCTIONS(COPENSSL_FIND)
  return 1;
}

/* OpenSSL tidies up at exit unless told otherwise, while threads of the program may still use connections. */
static int begin(const struct copenssl_table *table) {
  return table->OPENSSL_version_major() == 3 && table->OPENSSL_init_ssl((uint64_t)ossl_OPENSSL_INIT_NO_ATEXIT, NULL) == 1;
}

int copenssl_load(void) {
  if (__atomic_load_n(&copenssl_loaded, __ATOMIC_ACQUIRE) != NULL) return 1;
  void *library = dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) return 0;
  struct copenssl_table *table = malloc(sizeof *table), *nobody = NULL;
  if (table != NULL) table->library = library;
  if (table == NULL || !fill(table) || !begin(table)) {
    free(table);
    dlclose(library);
    return -1;
  }
  /* Two threads at once find the same addresses; the second one's table goes. */
  if (!__atomic_compare_exchange_n(&copenssl_loaded, &nobody, table, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
    free(table);
    dlclose(library);
  }
  return 1;
}

int copenssl_write(SSL *ssl, const void *first, size_t first_size, const void *second, size_t offset, size_t size, size_t *taken) {
  /* Joined on the stack, so that a frame's header and its payload make one record. Not cleared first, which Swift would do. */
  char joined[OSSL_RECORD];
  if (size > sizeof joined) size = sizeof joined;
  if (offset >= first_size) return ossl_SSL_write_ex(ssl, (const char *)second + (offset - first_size), size, taken);
  if (size <= first_size - offset) return ossl_SSL_write_ex(ssl, (const char *)first + offset, size, taken);
  size_t head = first_size - offset;
  memcpy(joined, (const char *)first + offset, head);
  memcpy(joined + head, second, size - head);
  return ossl_SSL_write_ex(ssl, joined, size, taken);
}
