/*
 * The yardstick of TestBenchGOST: OpenSSL's gost engine, driven line by line.
 *
 * Input:  <operation> <parameter> <milliseconds>
 *         operation is sign or verify (parameter: id of the curve, as 256A, 256TCA, 512A, 512C), or digest
 *         (parameter: name of the digest; messages of 64 KiB).
 * Output: <operations done> <nanoseconds of processor time taken>, counting octets for digests. Processor time, so
 * that what else runs on the machine does not count.
 *
 * Keys, contexts and signatures are made before the clock starts: the loop holds nothing but the operation.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#define MUST(e) do { if (!(e)) { ERR_print_errors_fp(stderr); fprintf(stderr, "line %d\n", __LINE__); exit(1); } } while (0)

static long long now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static EVP_PKEY *new_key(ENGINE *e, const char *param)
{
    int big = strncmp(param, "512", 3) == 0;
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(OBJ_sn2nid(big ? "gost2012_512" : "gost2012_256"), e);
    MUST(ctx);
    MUST(EVP_PKEY_keygen_init(ctx) > 0);
    MUST(EVP_PKEY_CTX_ctrl_str(ctx, "paramset", param + 3) > 0);
    MUST(EVP_PKEY_keygen(ctx, &key) > 0);
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static void run_key(ENGINE *e, int sign, const char *param, long long ns)
{
    static char have[64];
    static EVP_PKEY *key;
    unsigned char digest[64], sig[256];
    size_t n = strncmp(param, "512", 3) == 0 ? 64 : 32, len = sizeof sig;
    EVP_PKEY_CTX *s, *v;
    long long start, end, count = 0;
    int i;

    if (strcmp(have, param) != 0) {
        EVP_PKEY_free(key);
        key = new_key(e, param);
        snprintf(have, sizeof have, "%s", param);
    }
    memset(digest, 0x5a, sizeof digest);
    MUST(s = EVP_PKEY_CTX_new(key, e));
    MUST(v = EVP_PKEY_CTX_new(key, e));
    MUST(EVP_PKEY_sign_init(s) > 0);
    MUST(EVP_PKEY_verify_init(v) > 0);
    MUST(EVP_PKEY_sign(s, sig, &len, digest, n) > 0);
    start = now();
    do {
        for (i = 0; i < 16; i++) {
            if (sign) {
                len = sizeof sig;
                MUST(EVP_PKEY_sign(s, sig, &len, digest, n) > 0);
            } else {
                MUST(EVP_PKEY_verify(v, sig, len, digest, n) == 1);
            }
        }
        count += 16;
        end = now();
    } while (end - start < ns);
    printf("%lld %lld\n", count, end - start);
    EVP_PKEY_CTX_free(s);
    EVP_PKEY_CTX_free(v);
}

static void run_digest(const char *name, long long ns)
{
    static unsigned char buf[65536], out[64];
    const EVP_MD *md = EVP_get_digestbyname(name);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    long long start, end, count = 0;

    MUST(md && ctx);
    memset(buf, 0x5a, sizeof buf);
    start = now();
    do {
        MUST(EVP_DigestInit_ex(ctx, md, NULL));
        MUST(EVP_DigestUpdate(ctx, buf, sizeof buf));
        MUST(EVP_DigestFinal_ex(ctx, out, NULL));
        count += sizeof buf;
        end = now();
    } while (end - start < ns);
    printf("%lld %lld\n", count, end - start);
    EVP_MD_CTX_free(ctx);
}

int main(void)
{
    char line[256], op[32], param[64];
    long long ms;
    ENGINE *e;

    OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG | OPENSSL_INIT_ENGINE_ALL_BUILTIN, NULL);
    ENGINE_load_dynamic();
    MUST(e = ENGINE_by_id("gost"));
    MUST(ENGINE_init(e));
    MUST(ENGINE_set_default(e, ENGINE_METHOD_ALL));
    while (fgets(line, sizeof line, stdin)) {
        MUST(sscanf(line, "%31s %63s %lld", op, param, &ms) == 3);
        if (strcmp(op, "digest") == 0)
            run_digest(param, ms * 1000000);
        else
            run_key(e, strcmp(op, "sign") == 0, param, ms * 1000000);
        fflush(stdout);
    }
    return 0;
}
