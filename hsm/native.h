#ifndef QAQPA_HSM_NATIVE_H
#define QAQPA_HSM_NATIVE_H

/* The few declarations of PKCS#11 2.40 that signing in one call needs; types as in pkcs11t.h on Unix. */

typedef unsigned long ck_ulong;

struct ck_function_list;

/*
 * qaqpa_load opens the library and fetches its function list. *shared tells whether every caller gets the same list; a
 * module that makes one for each caller (p11-kit's client does) keeps sessions apart by list as well. On failure the
 * result is 0 and *message is to be freed.
 */
const struct ck_function_list *qaqpa_load(const char *path, int *shared, char **message);

/*
 * qaqpa_sign is C_SignInit and C_Sign in one crossing from Go, with the caller's buffer, so that no length query makes
 * a third round trip. *sig_len is the size of the buffer on entry and of the signature on return.
 */
ck_ulong qaqpa_sign(const struct ck_function_list *list, ck_ulong session, ck_ulong key, ck_ulong mechanism,
                    void *parameter, ck_ulong parameter_len, void *data, ck_ulong data_len, void *sig,
                    ck_ulong *sig_len);

/*
 * qaqpa_gcm encrypts or decrypts with AES-GCM in one crossing, iv of 12 and tag of 16 bytes. *out_len is the size of the
 * buffer on entry and of the result on return, 0 when the operation was refused before the data were looked at.
 */
ck_ulong qaqpa_gcm(const struct ck_function_list *list, ck_ulong session, ck_ulong key, int decrypt, void *iv, void *aad,
                   ck_ulong aad_len, void *in, ck_ulong in_len, void *out, ck_ulong *out_len);

#endif
