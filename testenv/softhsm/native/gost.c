/*
 * A PKCS#11 module that adds keys of GOST R 34.10-2012 to another one: the mechanisms that tokens with GOST have, computed by OpenSSL's GOST engine.
 * Everything else is passed on. Its key pairs stand in a file beside it, NAME.so.keys, so that all processes that load it see the same token;
 * the other module's path stands in NAME.so.module, and what it does otherwise than SoftHSM in NAME.so.order, one digit:
 *
 *   1  the halves of signatures are exchanged: r‖s     2  the octets of signatures come from their other end
 *   4  digests are read from their other end           8  signatures are wrong
 */
#define _GNU_SOURCE
#define OPENSSL_SUPPRESS_DEPRECATED
#include "pkcs11.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <openssl/engine.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	ckr_general_error = 5, ckr_arguments_bad = 7, ckr_attribute_sensitive = 0x11, ckr_attribute_type_invalid = 0x12, ckr_data_len_range = 0x21,
	ckr_template_inconsistent = 0xd1, ckr_buffer_too_small = 0x150,
	cka_class = 0, cka_token = 1, cka_private = 2, cka_label = 3, cka_value = 0x11, cka_key_type = 0x100, cka_id = 0x102, cka_sensitive = 0x103,
	cka_sign = 0x108, cka_extractable = 0x162, cka_never_extractable = 0x164, cka_always_sensitive = 0x165, cka_modifiable = 0x170,
	cka_gost3410 = 0x250, cka_gost3411 = 0x251,
};

static const ck_ulong mechanisms[] = { 0x1200, 0x1201, 0xd4321005, 0xd4321006 };

struct record {
	ck_ulong live, bits, label_len, id_len, curve_len, hash_len, key_len;
	ck_byte label[64], id[64], curve[16], hash[16], key[512], point[128];
};

enum { records_max = 64, first_handle = 0x40000000, sessions_max = 4096 };

static struct ck_function_list ours;
static const struct ck_function_list *theirs;
static char keys_path[4200], order_path[4200];
static ENGINE *engine;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct { ck_ulong found[2 * records_max], count, given, signing; } sessions[sessions_max];

static int order(void)
{
	char digit = '0';
	int fd = open(order_path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (read(fd, &digit, 1) != 1) {
			digit = '0';
		}
		close(fd);
	}
	return digit - '0';
}

static int load(ck_ulong n, struct record *r)
{
	int fd = open(keys_path, O_RDONLY | O_CLOEXEC), ok;
	if (fd < 0) {
		return 0;
	}
	ok = pread(fd, r, sizeof *r, (off_t)(n * sizeof *r)) == (ssize_t)sizeof *r;
	close(fd);
	return ok && r->live;
}

static int store(ck_ulong n, const struct record *r)
{
	int fd = open(keys_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), ok;
	if (fd < 0) {
		return 0;
	}
	ok = pwrite(fd, r, sizeof *r, (off_t)(n * sizeof *r)) == (ssize_t)sizeof *r;
	close(fd);
	return ok;
}

static int is_ours(ck_ulong handle, struct record *r, int *private)
{
	if (handle < first_handle || handle >= first_handle + 2 * records_max) {
		return 0;
	}
	*private = (handle - first_handle) % 2 == 0;
	return load((handle - first_handle) / 2, r);
}

/* attribute writes one attribute of a key to out and returns its length; -1: it has none, -2: it is secret. */
static long attribute(const struct record *r, int private, ck_ulong type, ck_byte *out)
{
	ck_ulong number;
	switch (type) {
	case cka_class: number = private ? 3 : 2; break;
	case cka_key_type: number = r->bits == 512 ? 0xd4321003 : 0x30; break;
	case cka_label: memcpy(out, r->label, r->label_len); return (long)r->label_len;
	case cka_id: memcpy(out, r->id, r->id_len); return (long)r->id_len;
	case cka_gost3410: memcpy(out, r->curve, r->curve_len); return (long)r->curve_len;
	case cka_gost3411: memcpy(out, r->hash, r->hash_len); return (long)r->hash_len;
	case cka_value:
		if (private) {
			return -2;
		}
		memcpy(out, r->point, r->bits / 4);
		return (long)(r->bits / 4);
	case cka_token: case cka_modifiable: *out = 1; return 1;
	case cka_private: case cka_sensitive: case cka_always_sensitive: case cka_never_extractable: case cka_sign: *out = (ck_byte)private; return 1;
	case cka_extractable: *out = (ck_byte)!private; return 1;
	default:
		if (type >= 0x104 && type <= 0x10c) { /* the usages that such a key does not have */
			*out = 0;
			return 1;
		}
		return -1;
	}
	memcpy(out, &number, sizeof number);
	return sizeof number;
}

static int matches(const struct record *r, int private, const struct ck_attribute *wanted, ck_ulong count)
{
	ck_byte value[512];
	for (ck_ulong i = 0; i < count; i++) {
		long len = attribute(r, private, wanted[i].type, value);
		if (len < 0 || (ck_ulong)len != wanted[i].value_len || memcmp(value, wanted[i].value, (size_t)len) != 0) {
			return 0;
		}
	}
	return 1;
}

static ck_ulong get_mechanism_list(ck_ulong slot, ck_ulong *list, ck_ulong *count)
{
	ck_ulong room = *count, rv = theirs->function[c_get_mechanism_list](slot, list, count);
	if (rv != 0) {
		*count += 4;
		return rv;
	}
	if (list != NULL && *count + 4 > room) {
		*count += 4;
		return ckr_buffer_too_small;
	}
	if (list != NULL) {
		memcpy(list + *count, mechanisms, sizeof mechanisms);
	}
	*count += 4;
	return 0;
}

static ck_ulong find_objects_init(ck_ulong session, struct ck_attribute *wanted, ck_ulong count)
{
	ck_ulong rv = theirs->function[c_find_objects_init](session, wanted, count);
	struct record r;
	pthread_mutex_lock(&lock);
	ck_ulong *n = &sessions[session % sessions_max].count;
	*n = sessions[session % sessions_max].given = 0;
	for (ck_ulong i = 0; rv == 0 && i < records_max; i++) {
		for (int public = 0; public < 2 && load(i, &r); public++) {
			if (matches(&r, !public, wanted, count)) {
				sessions[session % sessions_max].found[(*n)++] = first_handle + 2 * i + (ck_ulong)public;
			}
		}
	}
	pthread_mutex_unlock(&lock);
	return rv;
}

static ck_ulong find_objects(ck_ulong session, ck_ulong *objects, ck_ulong max, ck_ulong *count)
{
	ck_ulong own = 0, rv;
	pthread_mutex_lock(&lock);
	ck_ulong *given = &sessions[session % sessions_max].given;
	while (own < max && *given < sessions[session % sessions_max].count) {
		objects[own++] = sessions[session % sessions_max].found[(*given)++];
	}
	pthread_mutex_unlock(&lock);
	if (own == max) {
		*count = own;
		return 0;
	}
	rv = theirs->function[c_find_objects](session, objects + own, max - own, count);
	*count += own;
	return rv;
}

static ck_ulong get_attribute_value(ck_ulong session, ck_ulong object, struct ck_attribute *asked, ck_ulong count)
{
	struct record r;
	int private;
	ck_ulong rv = 0;
	if (object < first_handle) {
		return theirs->function[c_get_attribute_value](session, object, asked, count);
	}
	if (!is_ours(object, &r, &private)) {
		return 0x82; /* CKR_OBJECT_HANDLE_INVALID */
	}
	for (ck_ulong i = 0; i < count; i++) {
		ck_byte value[512];
		long len = attribute(&r, private, asked[i].type, value);
		if (len < 0) {
			asked[i].value_len = (ck_ulong)-1;
			rv = len == -2 ? ckr_attribute_sensitive : ckr_attribute_type_invalid;
		} else if (asked[i].value == NULL) {
			asked[i].value_len = (ck_ulong)len;
		} else if (asked[i].value_len < (ck_ulong)len) {
			rv = ckr_buffer_too_small;
		} else {
			memcpy(asked[i].value, value, (size_t)len);
			asked[i].value_len = (ck_ulong)len;
		}
	}
	return rv;
}

static ck_ulong set_attribute_value(ck_ulong session, ck_ulong object, struct ck_attribute *set, ck_ulong count)
{
	struct record r;
	int private;
	if (object < first_handle) {
		return theirs->function[c_set_attribute_value](session, object, set, count);
	}
	if (!is_ours(object, &r, &private) || count != 1 || set->type != cka_label || set->value_len > sizeof r.label) {
		return ckr_arguments_bad;
	}
	memcpy(r.label, set->value, set->value_len);
	r.label_len = set->value_len;
	return store((object - first_handle) / 2, &r) ? 0 : ckr_general_error;
}

static ck_ulong destroy_object(ck_ulong session, ck_ulong object)
{
	struct record r;
	int private;
	if (object < first_handle) {
		return theirs->function[c_destroy_object](session, object);
	}
	if (is_ours(object, &r, &private)) {
		memset(&r, 0, sizeof r);
		store((object - first_handle) / 2, &r);
	}
	return 0;
}

static int take(const struct ck_attribute *from, ck_ulong count, ck_ulong type, ck_byte *to, ck_ulong room, ck_ulong *len)
{
	for (ck_ulong i = 0; i < count; i++) {
		if (from[i].type == type && from[i].value_len <= room) {
			memcpy(to, from[i].value, from[i].value_len);
			*len = from[i].value_len;
			return 1;
		}
	}
	return 0;
}

/* make fills in key and point of a record whose curve is known. */
static int make(struct record *r)
{
	static const ck_byte a512[] = { 6, 9, 0x2a, 0x85, 3, 7, 1, 2, 1, 2, 1 }, a256[] = { 6, 9, 0x2a, 0x85, 3, 7, 1, 2, 1, 1, 1 };
	static const ck_byte cryptopro[] = { 6, 7, 0x2a, 0x85, 3, 2, 2, 0x23, 1 };
	const char *set = NULL;
	EVP_PKEY *key = NULL;
	if (r->bits == 512 && r->curve_len == sizeof a512 && memcmp(r->curve, a512, sizeof a512) == 0) {
		set = "A";
	} else if (r->bits == 256 && r->curve_len == sizeof a256 && memcmp(r->curve, a256, sizeof a256) == 0) {
		set = "TCA";
	} else if (r->bits == 256 && r->curve_len == sizeof cryptopro && memcmp(r->curve, cryptopro, sizeof cryptopro) == 0) {
		set = "A";
	}
	EVP_PKEY_CTX *ctx = set == NULL ? NULL : EVP_PKEY_CTX_new_id(OBJ_sn2nid(r->bits == 512 ? "gost2012_512" : "gost2012_256"), engine);
	int ok = ctx != NULL && EVP_PKEY_keygen_init(ctx) > 0 && EVP_PKEY_CTX_ctrl_str(ctx, "paramset", set) > 0 && EVP_PKEY_keygen(ctx, &key) > 0;
	if (ok) {
		ck_byte *der = NULL;
		int len = i2d_PrivateKey(key, &der);
		ok = len > 0 && len <= (int)sizeof r->key;
		if (ok) {
			memcpy(r->key, der, (size_t)len);
			r->key_len = (ck_ulong)len;
		}
		OPENSSL_free(der);
		der = NULL;
		len = i2d_PUBKEY(key, &der); /* ends with the point, each coordinate little-endian */
		ok = ok && len > (int)(r->bits / 4);
		if (ok) {
			memcpy(r->point, der + len - r->bits / 4, r->bits / 4);
		}
		OPENSSL_free(der);
	}
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

static ck_ulong generate_key_pair(ck_ulong session, struct ck_mechanism *m, struct ck_attribute *public, ck_ulong publics, struct ck_attribute *private,
				  ck_ulong privates, ck_ulong *public_key, ck_ulong *private_key)
{
	struct record r = { .live = 1 }, other;
	ck_ulong n = 0;
	if (m->mechanism != 0x1200 && m->mechanism != 0xd4321005) {
		return theirs->function[c_generate_key_pair](session, m, public, publics, private, privates, public_key, private_key);
	}
	r.bits = m->mechanism == 0x1200 ? 256 : 512;
	pthread_mutex_lock(&lock);
	ck_ulong rv = ckr_template_inconsistent;
	if (take(private, privates, cka_label, r.label, sizeof r.label, &r.label_len) && take(private, privates, cka_id, r.id, sizeof r.id, &r.id_len) &&
	    take(public, publics, cka_gost3410, r.curve, sizeof r.curve, &r.curve_len) &&
	    take(public, publics, cka_gost3411, r.hash, sizeof r.hash, &r.hash_len) && make(&r)) {
		while (n < records_max && load(n, &other)) {
			n++;
		}
		rv = n < records_max && store(n, &r) ? 0 : ckr_general_error;
		*private_key = first_handle + 2 * n;
		*public_key = *private_key + 1;
	}
	pthread_mutex_unlock(&lock);
	return rv;
}

static ck_ulong sign_init(ck_ulong session, struct ck_mechanism *m, ck_ulong key)
{
	struct record r;
	int private;
	sessions[session % sessions_max].signing = 0;
	if (key < first_handle) {
		return theirs->function[c_sign_init](session, m, key);
	}
	if (!is_ours(key, &r, &private) || !private) {
		return 0x60; /* CKR_KEY_HANDLE_INVALID */
	}
	if (m->mechanism != (r.bits == 512 ? 0xd4321006 : 0x1201)) {
		return 0x63; /* CKR_KEY_TYPE_INCONSISTENT */
	}
	sessions[session % sessions_max].signing = key;
	return 0;
}

static void turn(ck_byte *b, ck_ulong len)
{
	for (ck_ulong i = 0; i < len / 2; i++) {
		ck_byte t = b[i];
		b[i] = b[len - 1 - i];
		b[len - 1 - i] = t;
	}
}

static ck_ulong sign(ck_ulong session, ck_byte *data, ck_ulong len, ck_byte *signature, ck_ulong *signature_len)
{
	struct record r;
	int private, how = order();
	ck_ulong key = sessions[session % sessions_max].signing, half;
	ck_byte digest[64], halves[128];
	if (key == 0) {
		return theirs->function[c_sign](session, data, len, signature, signature_len);
	}
	sessions[session % sessions_max].signing = 0;
	if (!is_ours(key, &r, &private) || len != r.bits / 8 || *signature_len < r.bits / 4) {
		return ckr_data_len_range;
	}
	memcpy(digest, data, len);
	if (how & 4) {
		turn(digest, len);
	}
	const ck_byte *der = r.key;
	size_t made = *signature_len;
	pthread_mutex_lock(&lock);
	EVP_PKEY *pkey = d2i_AutoPrivateKey(NULL, &der, (long)r.key_len);
	EVP_PKEY_CTX *ctx = pkey == NULL ? NULL : EVP_PKEY_CTX_new(pkey, engine);
	int ok = ctx != NULL && EVP_PKEY_sign_init(ctx) > 0 && EVP_PKEY_sign(ctx, signature, &made, digest, len) > 0 && made == r.bits / 4;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	pthread_mutex_unlock(&lock);
	if (!ok) {
		return ckr_general_error;
	}
	*signature_len = made;
	half = made / 2;
	if (how & 1) {
		memcpy(halves, signature, made);
		memcpy(signature, halves + half, half);
		memcpy(signature + half, halves, half);
	}
	if (how & 2) {
		turn(signature, made);
	}
	if (how & 8) {
		signature[half] ^= 1;
	}
	return 0;
}

static int start(const char *self)
{
	char path[4200], other[4096] = "";
	snprintf(path, sizeof path, "%s.module", self);
	snprintf(keys_path, sizeof keys_path, "%s.keys", self);
	snprintf(order_path, sizeof order_path, "%s.order", self);
	FILE *f = fopen(path, "r");
	if (f == NULL || fgets(other, sizeof other, f) == NULL) {
		return 0;
	}
	fclose(f);
	void *module = dlopen(other, RTLD_NOW | RTLD_LOCAL);
	ck_ulong (*get)(const struct ck_function_list **) = module == NULL ? NULL : (ck_ulong (*)(const struct ck_function_list **))dlsym(module, "C_GetFunctionList");
	ENGINE_load_builtin_engines();
	engine = ENGINE_by_id("gost");
	return get != NULL && get(&theirs) == 0 && engine != NULL && ENGINE_init(engine) && ENGINE_set_default(engine, ENGINE_METHOD_ALL);
}

ck_ulong C_GetFunctionList(struct ck_function_list **list)
{
	Dl_info self;
	if (theirs == NULL && (dladdr((void *)C_GetFunctionList, &self) == 0 || !start(self.dli_fname))) {
		return ckr_general_error;
	}
	ours = *theirs;
	ours.function[c_get_function_list] = (ck_ulong (*)())C_GetFunctionList;
	ours.function[c_get_mechanism_list] = (ck_ulong (*)())get_mechanism_list;
	ours.function[c_find_objects_init] = (ck_ulong (*)())find_objects_init;
	ours.function[c_find_objects] = (ck_ulong (*)())find_objects;
	ours.function[c_get_attribute_value] = (ck_ulong (*)())get_attribute_value;
	ours.function[c_set_attribute_value] = (ck_ulong (*)())set_attribute_value;
	ours.function[c_destroy_object] = (ck_ulong (*)())destroy_object;
	ours.function[c_sign_init] = (ck_ulong (*)())sign_init;
	ours.function[c_sign] = (ck_ulong (*)())sign;
	ours.function[c_generate_key_pair] = (ck_ulong (*)())generate_key_pair;
	*list = &ours;
	return 0;
}
