/* The functions and constants of OpenSSL 3 that WSTLS uses, in two lists. From them come the table of addresses that dlopen
 * fills, the functions that Swift calls, and the comparison with OpenSSL's own headers (checked.c). */
#ifndef WSSWIFT_COPENSSL_LISTS_H
#define WSSWIFT_COPENSSL_LISTS_H

/* FUNCTION(result, name, parameters, arguments) */
#define COPENSSL_FUNCTIONS(FUNCTION)                                                                                           \
  /* the library and its errors */                                                                                             \
  FUNCTION(unsigned int, OPENSSL_version_major, (void), ())                                                                    \
  FUNCTION(int, OPENSSL_init_ssl, (uint64_t options, const OPENSSL_INIT_SETTINGS *settings), (options, settings))              \
  FUNCTION(void, ERR_clear_error, (void), ())                                                                                  \
  FUNCTION(unsigned long, ERR_peek_error, (void), ())                                                                          \
  FUNCTION(unsigned long, ERR_peek_last_error, (void), ())                                                                     \
  FUNCTION(const char *, ERR_reason_error_string, (unsigned long code), (code))                                                \
  FUNCTION(const char *, X509_verify_cert_error_string, (long code), (code))                                                   \
  /* streams of bytes: files, memory, and our own over a transport */                                                          \
  FUNCTION(BIO_METHOD *, BIO_meth_new, (int type, const char *name), (type, name))                                             \
  FUNCTION(void, BIO_meth_free, (BIO_METHOD *method), (method))                                                                \
  FUNCTION(int, BIO_meth_set_read_ex, (BIO_METHOD *method, ossl_bio_read read), (method, read))                                \
  FUNCTION(int, BIO_meth_set_write_ex, (BIO_METHOD *method, ossl_bio_write write), (method, write))                            \
  FUNCTION(int, BIO_meth_set_ctrl, (BIO_METHOD *method, ossl_bio_ctrl ctrl), (method, ctrl))                                   \
  FUNCTION(BIO *, BIO_new, (const BIO_METHOD *method), (method))                                                               \
  FUNCTION(BIO *, BIO_new_file, (const char *path, const char *mode), (path, mode))                                            \
  FUNCTION(BIO *, BIO_new_mem_buf, (const void *data, int size), (data, size))                                                 \
  FUNCTION(const BIO_METHOD *, BIO_s_mem, (void), ())                                                                          \
  FUNCTION(long, BIO_ctrl, (BIO *bio, int command, long number, void *pointer), (bio, command, number, pointer))               \
  FUNCTION(int, BIO_write, (BIO *bio, const void *data, int size), (bio, data, size))                                          \
  FUNCTION(int, BIO_free, (BIO *bio), (bio))                                                                                   \
  FUNCTION(void, BIO_set_data, (BIO *bio, void *data), (bio, data))                                                            \
  FUNCTION(void *, BIO_get_data, (BIO *bio), (bio))                                                                            \
  FUNCTION(void, BIO_set_init, (BIO *bio, int is_ready), (bio, is_ready))                                                      \
  FUNCTION(void, BIO_set_flags, (BIO *bio, int flags), (bio, flags))                                                           \
  /* certificates, their names, and keys */                                                                                    \
  FUNCTION(X509 *, PEM_read_bio_X509, (BIO *bio, X509 **space, pem_password_cb *password, void *user),                         \
           (bio, space, password, user))                                                                                       \
  FUNCTION(EVP_PKEY *, PEM_read_bio_PrivateKey, (BIO *bio, EVP_PKEY **space, pem_password_cb *password, void *user),           \
           (bio, space, password, user))                                                                                       \
  FUNCTION(void, EVP_PKEY_free, (EVP_PKEY *key), (key))                                                                        \
  FUNCTION(void, X509_free, (X509 *certificate), (certificate))                                                                \
  FUNCTION(int, X509_check_private_key, (const X509 *certificate, const EVP_PKEY *key), (certificate, key))                    \
  FUNCTION(int, i2d_X509_bio, (BIO *bio, const X509 *certificate), (bio, certificate))                                         \
  FUNCTION(X509_NAME *, X509_get_subject_name, (const X509 *certificate), (certificate))                                       \
  FUNCTION(X509_NAME *, X509_NAME_dup, (const X509_NAME *name), (name))                                                        \
  FUNCTION(void, X509_NAME_free, (X509_NAME *name), (name))                                                                    \
  FUNCTION(int, X509_NAME_print_ex, (BIO *bio, const X509_NAME *name, int indent, unsigned long flags),                        \
           (bio, name, indent, flags))                                                                                         \
  FUNCTION(void *, X509_get_ext_d2i, (const X509 *certificate, int kind, int *is_critical, int *index),                        \
           (certificate, kind, is_critical, index))                                                                            \
  FUNCTION(void, GENERAL_NAMES_free, (GENERAL_NAMES *names), (names))                                                          \
  FUNCTION(int, GENERAL_NAME_print, (BIO *bio, GENERAL_NAME *name), (bio, name))                                               \
  FUNCTION(OPENSSL_STACK *, OPENSSL_sk_new_null, (void), ())                                                                   \
  FUNCTION(int, OPENSSL_sk_push, (OPENSSL_STACK *stack, const void *item), (stack, item))                                      \
  FUNCTION(int, OPENSSL_sk_num, (const OPENSSL_STACK *stack), (stack))                                                         \
  FUNCTION(void *, OPENSSL_sk_value, (const OPENSSL_STACK *stack, int index), (stack, index))                                  \
  FUNCTION(void, OPENSSL_sk_free, (OPENSSL_STACK *stack), (stack))                                                             \
  /* who is trusted, and whether a certificate is */                                                                           \
  FUNCTION(X509_STORE *, X509_STORE_new, (void), ())                                                                           \
  FUNCTION(void, X509_STORE_free, (X509_STORE *store), (store))                                                                \
  FUNCTION(int, X509_STORE_add_cert, (X509_STORE *store, X509 *certificate), (store, certificate))                             \
  FUNCTION(int, X509_STORE_set_default_paths, (X509_STORE *store), (store))                                                    \
  FUNCTION(int, X509_STORE_load_path, (X509_STORE *store, const char *path), (store, path))                                    \
  FUNCTION(void *, X509_STORE_CTX_get_ex_data, (const X509_STORE_CTX *check, int index), (check, index))                       \
  FUNCTION(int, X509_STORE_CTX_get_error, (const X509_STORE_CTX *check), (check))                                              \
  FUNCTION(X509 *, X509_STORE_CTX_get0_cert, (const X509_STORE_CTX *check), (check))                                           \
  FUNCTION(void, X509_VERIFY_PARAM_set_hostflags, (X509_VERIFY_PARAM *rules, unsigned int flags), (rules, flags))              \
  FUNCTION(int, X509_VERIFY_PARAM_set1_host, (X509_VERIFY_PARAM *rules, const char *name, size_t size), (rules, name, size))   \
  FUNCTION(int, X509_VERIFY_PARAM_set1_ip_asc, (X509_VERIFY_PARAM *rules, const char *address), (rules, address))              \
  /* what connections share */                                                                                                 \
  FUNCTION(const SSL_METHOD *, TLS_client_method, (void), ())                                                                  \
  FUNCTION(const SSL_METHOD *, TLS_server_method, (void), ())                                                                  \
  FUNCTION(SSL_CTX *, SSL_CTX_new, (const SSL_METHOD *method), (method))                                                       \
  FUNCTION(void, SSL_CTX_free, (SSL_CTX *context), (context))                                                                  \
  FUNCTION(long, SSL_CTX_ctrl, (SSL_CTX *context, int command, long number, void *pointer),                                    \
           (context, command, number, pointer))                                                                                \
  FUNCTION(uint64_t, SSL_CTX_set_options, (SSL_CTX *context, uint64_t options), (context, options))                            \
  FUNCTION(void, SSL_CTX_set_verify, (SSL_CTX *context, int mode, SSL_verify_cb callback), (context, mode, callback))          \
  FUNCTION(void, SSL_CTX_set1_cert_store, (SSL_CTX *context, X509_STORE *store), (context, store))                             \
  FUNCTION(int, SSL_CTX_set_default_verify_paths, (SSL_CTX *context), (context))                                               \
  FUNCTION(void, SSL_CTX_set_client_CA_list, (SSL_CTX *context, struct stack_st_X509_NAME *names), (context, names))           \
  FUNCTION(int, SSL_CTX_use_cert_and_key,                                                                                      \
           (SSL_CTX *context, X509 *certificate, EVP_PKEY *key, struct stack_st_X509 *chain, int replaces),                    \
           (context, certificate, key, chain, replaces))                                                                       \
  FUNCTION(void, SSL_CTX_set_default_passwd_cb, (SSL_CTX *context, pem_password_cb *password), (context, password))            \
  FUNCTION(int, SSL_CTX_set_alpn_protos, (SSL_CTX *context, const unsigned char *list, unsigned int size),                     \
           (context, list, size))                                                                                              \
  FUNCTION(void, SSL_CTX_set_alpn_select_cb, (SSL_CTX *context, SSL_CTX_alpn_select_cb_func callback, void *user),             \
           (context, callback, user))                                                                                          \
  FUNCTION(void, SSL_CTX_set_keylog_callback, (SSL_CTX *context, SSL_CTX_keylog_cb_func callback), (context, callback))        \
  FUNCTION(void, SSL_CTX_sess_set_new_cb, (SSL_CTX *context, ossl_new_session callback), (context, callback))                  \
  FUNCTION(int, SSL_CTX_set_session_id_context, (SSL_CTX *context, const unsigned char *name, unsigned int size),              \
           (context, name, size))                                                                                              \
  /* a connection */                                                                                                           \
  FUNCTION(SSL *, SSL_new, (SSL_CTX *context), (context))                                                                      \
  FUNCTION(void, SSL_free, (SSL *ssl), (ssl))                                                                                  \
  FUNCTION(void, SSL_set_bio, (SSL *ssl, BIO *reading, BIO *writing), (ssl, reading, writing))                                 \
  FUNCTION(BIO *, SSL_get_rbio, (const SSL *ssl), (ssl))                                                                       \
  FUNCTION(void, SSL_set_connect_state, (SSL *ssl), (ssl))                                                                     \
  FUNCTION(void, SSL_set_accept_state, (SSL *ssl), (ssl))                                                                      \
  FUNCTION(long, SSL_ctrl, (SSL *ssl, int command, long number, void *pointer), (ssl, command, number, pointer))               \
  FUNCTION(X509_VERIFY_PARAM *, SSL_get0_param, (SSL *ssl), (ssl))                                                             \
  FUNCTION(int, SSL_get_ex_data_X509_STORE_CTX_idx, (void), ())                                                                \
  FUNCTION(int, SSL_do_handshake, (SSL *ssl), (ssl))                                                                           \
  FUNCTION(int, SSL_read_ex, (SSL *ssl, void *space, size_t room, size_t *got), (ssl, space, room, got))                       \
  FUNCTION(int, SSL_write_ex, (SSL *ssl, const void *data, size_t size, size_t *taken), (ssl, data, size, taken))              \
  FUNCTION(int, SSL_has_pending, (const SSL *ssl), (ssl))                                                                      \
  FUNCTION(int, SSL_get_error, (const SSL *ssl, int result), (ssl, result))                                                    \
  FUNCTION(int, SSL_key_update, (SSL *ssl, int kind), (ssl, kind))                                                             \
  FUNCTION(int, SSL_shutdown, (SSL *ssl), (ssl))                                                                               \
  FUNCTION(void, SSL_set_shutdown, (SSL *ssl, int state), (ssl, state))                                                        \
  FUNCTION(X509 *, SSL_get1_peer_certificate, (const SSL *ssl), (ssl))                                                         \
  FUNCTION(const char *, SSL_get_version, (const SSL *ssl), (ssl))                                                             \
  FUNCTION(void, SSL_get0_alpn_selected, (const SSL *ssl, const unsigned char **name, unsigned int *size), (ssl, name, size))  \
  FUNCTION(int, SSL_set_session, (SSL *ssl, SSL_SESSION *session), (ssl, session))                                             \
  FUNCTION(int, SSL_session_reused, (const SSL *ssl), (ssl))                                                                   \
  FUNCTION(void, SSL_SESSION_free, (SSL_SESSION *session), (session))

/* CONSTANT(name, value) */
#define COPENSSL_CONSTANTS(CONSTANT)                                           \
  CONSTANT(ERR_R_MALLOC_FAILURE, 786688)                                       \
  CONSTANT(BIO_TYPE_SOURCE_SINK, 1024)                                         \
  CONSTANT(BIO_FLAGS_READ, 1)                                                  \
  CONSTANT(BIO_FLAGS_SHOULD_RETRY, 8)                                          \
  CONSTANT(BIO_CTRL_FLUSH, 11)                                                 \
  CONSTANT(BIO_CTRL_INFO, 3)                                                   \
  CONSTANT(PEM_R_NO_START_LINE, 108)                                           \
  CONSTANT(NID_subject_alt_name, 85)                                           \
  CONSTANT(XN_FLAG_RFC2253, 17892119)                                          \
  CONSTANT(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, 32)                            \
  CONSTANT(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS, 4)                            \
  CONSTANT(X509_V_ERR_HOSTNAME_MISMATCH, 62)                                   \
  CONSTANT(X509_V_ERR_IP_ADDRESS_MISMATCH, 64)                                 \
  CONSTANT(SSL_CTRL_MODE, 33)                                                  \
  CONSTANT(SSL_CTRL_SET_READ_AHEAD, 41)                                        \
  CONSTANT(SSL_CTRL_SET_SESS_CACHE_MODE, 44)                                   \
  CONSTANT(SSL_CTRL_SET_MIN_PROTO_VERSION, 123)                                \
  CONSTANT(SSL_CTRL_SET_TLSEXT_HOSTNAME, 55)                                   \
  CONSTANT(SSL_CTRL_SET_DH_AUTO, 118)                                          \
  CONSTANT(SSL_CTRL_CLEAR_MODE, 78)                                            \
  CONSTANT(SSL_MODE_ENABLE_PARTIAL_WRITE, 1)                                   \
  CONSTANT(SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER, 2)                             \
  CONSTANT(SSL_MODE_AUTO_RETRY, 4)                                             \
  CONSTANT(SSL_MODE_RELEASE_BUFFERS, 16)                                       \
  CONSTANT(SSL_OP_NO_RENEGOTIATION, 1073741824)                                \
  CONSTANT(SSL_OP_NO_COMPRESSION, 131072)                                      \
  CONSTANT(OPENSSL_INIT_NO_ATEXIT, 524288)                                     \
  CONSTANT(SSL_SESS_CACHE_OFF, 0)                                              \
  CONSTANT(SSL_SESS_CACHE_CLIENT, 1)                                           \
  CONSTANT(SSL_SESS_CACHE_NO_INTERNAL, 768)                                    \
  CONSTANT(TLS1_2_VERSION, 771)                                                \
  CONSTANT(TLSEXT_NAMETYPE_host_name, 0)                                       \
  CONSTANT(SSL_VERIFY_NONE, 0)                                                 \
  CONSTANT(SSL_VERIFY_PEER, 1)                                                 \
  CONSTANT(SSL_VERIFY_FAIL_IF_NO_PEER_CERT, 2)                                 \
  CONSTANT(SSL_TLSEXT_ERR_OK, 0)                                               \
  CONSTANT(SSL_TLSEXT_ERR_ALERT_FATAL, 2)                                      \
  CONSTANT(SSL_ERROR_WANT_READ, 2)                                             \
  CONSTANT(SSL_ERROR_ZERO_RETURN, 6)                                           \
  CONSTANT(SSL_SENT_SHUTDOWN, 1)                                               \
  CONSTANT(SSL_RECEIVED_SHUTDOWN, 2)                                           \
  CONSTANT(SSL_KEY_UPDATE_NOT_REQUESTED, 0)                                    \
  CONSTANT(SSL_KEY_UPDATE_REQUESTED, 1)

#endif
