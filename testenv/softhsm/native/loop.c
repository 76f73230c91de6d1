/*
 * What a PKCS#11 module can do: C_SignInit and C_Sign in a loop, one session for each thread.
 *
 *   loop MODULE TOKEN PIN KEY MECHANISM DATA-BYTES SIGNATURE-BYTES THREADS MILLISECONDS
 *
 * prints signatures per second. MECHANISM is a number. The PIN protects nothing: the token is one of a test.
 */
#define _GNU_SOURCE
#include "pkcs11.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct ck_function_list *p11;
static ck_ulong slot, key;
static struct ck_mechanism mechanism;
static ck_ulong data_len, signature_len;
static volatile int stop;

static void check(const char *what, ck_ulong rv)
{
	if (rv != 0) {
		fprintf(stderr, "%s: %#lx\n", what, rv);
		exit(1);
	}
}

static ck_ulong open_session(void)
{
	ck_ulong session;
	check("C_OpenSession", p11->function[c_open_session](slot, (ck_ulong)4, NULL, NULL, &session));
	return session;
}

static void *work(void *count)
{
	ck_byte data[512] = { 0 }, signature[1024];
	ck_ulong session = open_session();
	while (!stop) {
		ck_ulong len = signature_len;
		check("C_SignInit", p11->function[c_sign_init](session, &mechanism, key));
		check("C_Sign", p11->function[c_sign](session, data, data_len, signature, &len));
		++*(unsigned long *)count;
	}
	return NULL;
}

static void find(const char *token, const char *pin, const char *label)
{
	ck_ulong slots[64], count = 64, session, found = 0;
	char padded[33];
	snprintf(padded, sizeof padded, "%-32s", token);
	check("C_GetSlotList", p11->function[c_get_slot_list]((ck_byte)1, slots, &count));
	for (ck_ulong i = 0; i < count; i++) {
		struct ck_token_info info;
		if (p11->function[c_get_token_info](slots[i], &info) == 0 && memcmp(info.label, padded, 32) == 0) {
			slot = slots[i];
		}
	}
	session = open_session();
	check("C_Login", p11->function[c_login](session, (ck_ulong)1, pin, (ck_ulong)strlen(pin)));
	ck_ulong class = 3;
	struct ck_attribute wanted[] = { { 0, &class, sizeof class }, { 3, (void *)label, strlen(label) } };
	check("C_FindObjectsInit", p11->function[c_find_objects_init](session, wanted, (ck_ulong)2));
	check("C_FindObjects", p11->function[c_find_objects](session, &key, (ck_ulong)1, &found));
	check("C_FindObjectsFinal", p11->function[c_find_objects_final](session));
	check("key not found", found != 1);
}

int main(int argc, char **argv)
{
	ck_ulong (*get)(const struct ck_function_list **);
	if (argc != 10) {
		return 2;
	}
	void *module = dlopen(argv[1], RTLD_NOW);
	if (module == NULL || (get = (ck_ulong (*)(const struct ck_function_list **))dlsym(module, "C_GetFunctionList")) == NULL) {
		return 1;
	}
	check("C_GetFunctionList", get(&p11));
	struct { void *mutexes[4]; ck_ulong flags; void *reserved; } args = { { 0 }, 2, 0 };
	check("C_Initialize", p11->function[c_initialize](&args));
	find(argv[2], argv[3], argv[4]);
	mechanism.mechanism = strtoul(argv[5], NULL, 0);
	data_len = strtoul(argv[6], NULL, 0);
	signature_len = strtoul(argv[7], NULL, 0);
	int threads = atoi(argv[8]);
	pthread_t ids[1024];
	static struct { unsigned long n; char apart[120]; } counts[1024];
	struct timespec begin, end, pause = { atoi(argv[9]) / 1000, atoi(argv[9]) % 1000 * 1000000L };
	clock_gettime(CLOCK_MONOTONIC, &begin);
	for (int i = 0; i < threads; i++) {
		pthread_create(&ids[i], NULL, work, &counts[i].n);
	}
	nanosleep(&pause, NULL);
	stop = 1;
	unsigned long sum = 0;
	for (int i = 0; i < threads; i++) {
		pthread_join(ids[i], NULL);
		sum += counts[i].n;
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("%.1f\n", sum / ((end.tv_sec - begin.tv_sec) + (end.tv_nsec - begin.tv_nsec) / 1e9));
	return 0;
}
