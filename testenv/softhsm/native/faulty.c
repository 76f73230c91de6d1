/*
 * A PKCS#11 module that passes calls on to another one, and goes wrong when it is told to. It is told by a file beside it,
 * NAME.so.control, which is mapped, so that a test changes the faults of a running process, and counts its calls:
 *
 *   number 0      pause before C_SignInit and C_Sign, in microseconds: the way to a token in the network
 *   number 1      not 0: C_SignInit, C_Sign, C_OpenSession and C_GetSessionInfo do not return while it is
 *   number 2      so many signatures are wrong in one bit
 *   number 3..5   the result, function and number of calls that fail
 *   number 6      not 0: C_Sign ends the process
 *   number 7      not 0: keys that are made can be extracted, whatever was asked for
 *   number 16..   how often each function was called
 *   byte 1024     path of the other module
 *
 * Numbers have 8 bytes.
 */
#define _GNU_SOURCE
#include "pkcs11.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct ck_function_list ours;
static const struct ck_function_list *theirs;
static volatile unsigned long *control;

static ck_ulong fault(int function)
{
	__atomic_fetch_add(&control[16 + function], 1, __ATOMIC_SEQ_CST);
	while (control[1] != 0 && (function == c_sign_init || function == c_sign || function == c_open_session || function == c_get_session_info)) {
		usleep(1000);
	}
	if ((function == c_sign_init || function == c_sign) && control[0] != 0) {
		usleep(control[0]);
	}
	if (function == c_sign && control[6] != 0) {
		_exit(9);
	}
	if (control[5] != 0 && control[4] == (unsigned long)function) {
		__atomic_fetch_sub(&control[5], 1, __ATOMIC_SEQ_CST);
		return control[3];
	}
	return 0;
}

static ck_ulong initialize(void *args)
{
	ck_ulong rv = fault(c_initialize);
	return rv ? rv : theirs->function[c_initialize](args);
}

static ck_ulong open_session(ck_ulong slot, ck_ulong flags, void *application, void *notify, ck_ulong *session)
{
	ck_ulong rv = fault(c_open_session);
	return rv ? rv : theirs->function[c_open_session](slot, flags, application, notify, session);
}

static ck_ulong get_session_info(ck_ulong session, void *info)
{
	ck_ulong rv = fault(c_get_session_info);
	return rv ? rv : theirs->function[c_get_session_info](session, info);
}

static ck_ulong login(ck_ulong session, ck_ulong user, void *pin, ck_ulong len)
{
	ck_ulong rv = fault(c_login);
	return rv ? rv : theirs->function[c_login](session, user, pin, len);
}

static ck_ulong create_object(ck_ulong session, void *template, ck_ulong count, ck_ulong *object)
{
	ck_ulong rv = fault(c_create_object);
	return rv ? rv : theirs->function[c_create_object](session, template, count, object);
}

/* A copy of the template in which CKA_EXTRACTABLE is true, if it is to be. */
static void *loosened(struct ck_attribute *copy, ck_ulong most, void *template, ck_ulong count)
{
	static ck_byte yes = 1;
	if (control[7] == 0 || count > most) {
		return template;
	}
	memcpy(copy, template, count * sizeof *copy);
	for (ck_ulong i = 0; i < count; i++) {
		if (copy[i].type == 0x162) {
			copy[i].value = &yes;
		}
	}
	return copy;
}

static ck_ulong generate_key(ck_ulong session, void *mechanism, void *template, ck_ulong count, ck_ulong *key)
{
	struct ck_attribute copy[64];
	ck_ulong rv = fault(c_generate_key);
	return rv ? rv : theirs->function[c_generate_key](session, mechanism, loosened(copy, 64, template, count), count, key);
}

static ck_ulong generate_key_pair(ck_ulong session, void *mechanism, void *public, ck_ulong publics, void *private, ck_ulong privates,
				  ck_ulong *public_key, ck_ulong *private_key)
{
	struct ck_attribute copy[64];
	ck_ulong rv = fault(c_generate_key_pair);
	return rv ? rv : theirs->function[c_generate_key_pair](session, mechanism, public, publics, loosened(copy, 64, private, privates), privates,
							       public_key, private_key);
}

static ck_ulong sign_init(ck_ulong session, void *mechanism, ck_ulong key)
{
	ck_ulong rv = fault(c_sign_init);
	return rv ? rv : theirs->function[c_sign_init](session, mechanism, key);
}

static ck_ulong sign(ck_ulong session, ck_byte *data, ck_ulong len, ck_byte *signature, ck_ulong *signature_len)
{
	ck_ulong rv = fault(c_sign);
	if (rv == 0) {
		rv = theirs->function[c_sign](session, data, len, signature, signature_len);
	}
	if (rv == 0 && signature != NULL && control[2] != 0) {
		__atomic_fetch_sub(&control[2], 1, __ATOMIC_SEQ_CST);
		signature[*signature_len / 2] ^= 1;
	}
	return rv;
}

ck_ulong C_GetFunctionList(struct ck_function_list **list)
{
	if (theirs == NULL) {
		Dl_info self;
		char path[4096];
		if (dladdr((void *)C_GetFunctionList, &self) == 0) {
			return 5;
		}
		snprintf(path, sizeof path, "%s.control", self.dli_fname);
		int fd = open(path, O_RDWR | O_CLOEXEC);
		control = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (fd < 0 || control == MAP_FAILED) {
			return 5;
		}
		close(fd);
		void *module = dlopen((const char *)control + 1024, RTLD_NOW | RTLD_LOCAL);
		if (module == NULL) {
			return 5;
		}
		ck_ulong (*get)(const struct ck_function_list **) = (ck_ulong (*)(const struct ck_function_list **))dlsym(module, "C_GetFunctionList");
		if (get == NULL || get(&theirs) != 0) {
			return 5;
		}
		ours = *theirs;
		ours.function[c_initialize] = (ck_ulong (*)())initialize;
		ours.function[c_get_function_list] = (ck_ulong (*)())C_GetFunctionList;
		ours.function[c_open_session] = (ck_ulong (*)())open_session;
		ours.function[c_get_session_info] = (ck_ulong (*)())get_session_info;
		ours.function[c_login] = (ck_ulong (*)())login;
		ours.function[c_create_object] = (ck_ulong (*)())create_object;
		ours.function[c_generate_key] = (ck_ulong (*)())generate_key;
		ours.function[c_generate_key_pair] = (ck_ulong (*)())generate_key_pair;
		ours.function[c_sign_init] = (ck_ulong (*)())sign_init;
		ours.function[c_sign] = (ck_ulong (*)())sign;
	}
	*list = &ours;
	return 0;
}
