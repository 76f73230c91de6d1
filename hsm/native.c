#include "native.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

struct ck_mechanism {
	ck_ulong mechanism;
	void *parameter;
	ck_ulong parameter_len;
};

/* CK_FUNCTION_LIST: a version and 68 functions in the order of PKCS#11 2.40 pkcs11f.h; numbered here from 0. */
struct ck_function_list {
	unsigned char version[2];
	void (*function[68])(void);
};

enum { c_encrypt_init = 29, c_encrypt = 30, c_decrypt_init = 33, c_decrypt = 34, c_sign_init = 42, c_sign = 43 };

struct gcm_params {
	void *iv;
	ck_ulong iv_len, iv_bits;
	void *aad;
	ck_ulong aad_len, tag_bits;
};

typedef ck_ulong (*get_function_list)(const struct ck_function_list **);
typedef ck_ulong (*sign_init)(ck_ulong, struct ck_mechanism *, ck_ulong);
typedef ck_ulong (*sign)(ck_ulong, unsigned char *, ck_ulong, unsigned char *, ck_ulong *);

const struct ck_function_list *qaqpa_load(const char *path, int *shared, char **message)
{
	const struct ck_function_list *list = NULL, *again = NULL;
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (library == NULL) {
		*message = strdup(dlerror());
		return NULL;
	}
	get_function_list get = (get_function_list)dlsym(library, "C_GetFunctionList");
	if (get == NULL) {
		*message = strdup("it has no C_GetFunctionList");
		dlclose(library);
		return NULL;
	}
	if (get(&list) != 0 || list == NULL) {
		*message = strdup("C_GetFunctionList failed");
		dlclose(library);
		return NULL;
	}
	*shared = get(&again) == 0 && again == list;
	return list;
}

ck_ulong qaqpa_sign(const struct ck_function_list *list, ck_ulong session, ck_ulong key, ck_ulong mechanism,
                    void *parameter, ck_ulong parameter_len, void *data, ck_ulong data_len, void *sig,
                    ck_ulong *sig_len)
{
	struct ck_mechanism m = { mechanism, parameter, parameter_len };
	ck_ulong rv = ((sign_init)list->function[c_sign_init])(session, &m, key);
	if (rv != 0) {
		return rv;
	}
	return ((sign)list->function[c_sign])(session, data, data_len, sig, sig_len);
}

ck_ulong qaqpa_gcm(const struct ck_function_list *list, ck_ulong session, ck_ulong key, int decrypt, void *iv, void *aad,
                   ck_ulong aad_len, void *in, ck_ulong in_len, void *out, ck_ulong *out_len)
{
	struct gcm_params p = { iv, 12, 96, aad, aad_len, 128 };
	struct ck_mechanism m = { 0x1087, &p, sizeof p };
	ck_ulong rv = ((sign_init)list->function[decrypt ? c_decrypt_init : c_encrypt_init])(session, &m, key);
	if (rv != 0) {
		*out_len = 0; /* tells a refusal of the key from one of the data */
		return rv;
	}
	return ((sign)list->function[decrypt ? c_decrypt : c_encrypt])(session, in, in_len, out, out_len);
}
