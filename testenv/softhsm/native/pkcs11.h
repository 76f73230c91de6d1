/* The few declarations of PKCS#11 2.40 that the programs beside this file need; types as in pkcs11t.h on Unix. */

typedef unsigned long ck_ulong;
typedef unsigned char ck_byte;

struct ck_mechanism {
	ck_ulong mechanism;
	void *parameter;
	ck_ulong parameter_len;
};

struct ck_attribute {
	ck_ulong type;
	void *value;
	ck_ulong value_len;
};

struct ck_token_info {
	ck_byte label[32], manufacturer[32], model[16], serial[16];
	ck_ulong numbers[11];
	ck_byte versions[4], time[16];
};

/* CK_FUNCTION_LIST: a version and 68 functions in the order of pkcs11f.h; numbered here from 0. */
struct ck_function_list {
	ck_byte version[2];
	ck_ulong (*function[68])();
};

enum {
	c_initialize = 0, c_get_function_list = 3, c_get_slot_list = 4, c_get_token_info = 6, c_get_mechanism_list = 7, c_open_session = 12,
	c_get_session_info = 15, c_login = 18, c_create_object = 20, c_destroy_object = 22, c_get_attribute_value = 24, c_set_attribute_value = 25,
	c_find_objects_init = 26, c_find_objects = 27, c_find_objects_final = 28,
	c_sign_init = 42, c_sign = 43,
	c_generate_key = 58, c_generate_key_pair = 59
};
