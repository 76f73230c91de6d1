package hsm

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/miekg/pkcs11"
)

// Secret keys: one encrypts, the other makes blind indexes. They stay in the token as private keys do.
const (
	AES256     Algorithm = "aes-256"
	HMACSHA256 Algorithm = "hmac-sha256"
)

// secretBytes is the length of all secret keys.
const secretBytes = 32

// secretKind says how a secret key is made and what it may do.
type secretKind struct {
	generate, use uint // mechanisms
	keyType       uint
	may           []uint // usages; all others must be absent or false
}

var secretKinds = map[Algorithm]secretKind{
	AES256: {pkcs11.CKM_AES_KEY_GEN, pkcs11.CKM_AES_GCM, pkcs11.CKK_AES, []uint{pkcs11.CKA_ENCRYPT, pkcs11.CKA_DECRYPT}},
	HMACSHA256: {
		pkcs11.CKM_GENERIC_SECRET_KEY_GEN, pkcs11.CKM_SHA256_HMAC, pkcs11.CKK_GENERIC_SECRET, []uint{pkcs11.CKA_SIGN, pkcs11.CKA_VERIFY},
	},
}

// secretRules are rules for all secret keys; usages are judged by secretKind.may.
var secretRules = []rule{
	{pkcs11.CKA_TOKEN, "CKA_TOKEN", true, true},
	{pkcs11.CKA_PRIVATE, "CKA_PRIVATE", true, true},
	{pkcs11.CKA_SENSITIVE, "CKA_SENSITIVE", true, true},
	{pkcs11.CKA_ALWAYS_SENSITIVE, "CKA_ALWAYS_SENSITIVE", true, true},
	{pkcs11.CKA_EXTRACTABLE, "CKA_EXTRACTABLE", false, true},
	{pkcs11.CKA_NEVER_EXTRACTABLE, "CKA_NEVER_EXTRACTABLE", true, true},
}

// wrappableRules are those of keys that were made for a backup, or restored from one: such a key leaves its token wrapped for a key that
// the security officer trusts, and in no other way. That it was always so cannot be told of one that was restored.
var wrappableRules = []rule{
	{pkcs11.CKA_TOKEN, "CKA_TOKEN", true, true},
	{pkcs11.CKA_PRIVATE, "CKA_PRIVATE", true, true},
	{pkcs11.CKA_SENSITIVE, "CKA_SENSITIVE", true, true},
	{pkcs11.CKA_EXTRACTABLE, "CKA_EXTRACTABLE", true, true},
	{pkcs11.CKA_WRAP_WITH_TRUSTED, "CKA_WRAP_WITH_TRUSTED", true, true},
}

var secretUsages = map[uint]string{
	pkcs11.CKA_ENCRYPT: "CKA_ENCRYPT", pkcs11.CKA_DECRYPT: "CKA_DECRYPT", pkcs11.CKA_SIGN: "CKA_SIGN", pkcs11.CKA_VERIFY: "CKA_VERIFY",
	pkcs11.CKA_WRAP: "CKA_WRAP", pkcs11.CKA_UNWRAP: "CKA_UNWRAP", pkcs11.CKA_DERIVE: "CKA_DERIVE",
}

// secret is a secret key in a token.
type secret struct {
	token *Token
	ref   Ref
	label string
	id    []byte
	kind  Algorithm
	bound atomic.Pointer[binding]

	wrappable bool // it was made for backup
	restored  bool // it came from one, as far as the token can tell
}

// GenerateSecret makes a secret key of 32 bytes in the token, which can never leave it. The label must be free among secret
// keys. What the token gave it is read back; a key that breaks a rule is destroyed again.
//
// Errors: those of [Token.Generate].
func (t *Token) GenerateSecret(ctx context.Context, label string, a Algorithm) (id []byte, err error) {
	return t.makeOne(ctx, label, a, secretRules)
}

// GenerateWrappable is GenerateSecret for a key whose loss would lose data: it can leave the token wrapped for a key that the security
// officer trusts, see [Token.WrapBackup].
func (t *Token) GenerateWrappable(ctx context.Context, label string, a Algorithm) (id []byte, err error) {
	return t.makeOne(ctx, label, a, wrappableRules)
}

func (t *Token) makeOne(ctx context.Context, label string, a Algorithm, rules []rule) (id []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, ceremonyTimeout)
	defer cancel()
	err = t.oneByOne(ctx, func() (err error) {
		id, err = t.generateSecret(ctx, label, a, rules)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't make secret key %q: %w", label, err)
	}
	t.cfg.Log.InfoContext(ctx, "key made", "token", t.cfg.Token, "key", label, "algorithm", string(a))
	return id, nil
}

func (t *Token) generateSecret(ctx context.Context, label string, a Algorithm, rules []rule) ([]byte, error) {
	kind, ok := secretKinds[a]
	if !ok {
		return nil, fmt.Errorf("%w: %q", ErrAlgorithm, a)
	}
	if err := checkLabel(label); err != nil {
		return nil, err
	}
	id := make([]byte, idSize)
	_, _ = rand.Read(id) // never fails, crypto/rand ends the process instead
	err := t.call(ctx, func(s session) error {
		if !s.can(kind.generate) || !s.can(kind.use) {
			return fmt.Errorf("%w: the token can't make or use such keys", ErrAlgorithm)
		}
		taken, err := s.search(Ref{Label: label}.template(pkcs11.CKO_SECRET_KEY)...)
		if err != nil {
			return err
		}
		if len(taken) > 0 {
			return ErrKeyExists
		}
		return s.readWrite(func(s session) error { return s.makeSecret(label, id, kind, rules) })
	})
	if err != nil {
		return nil, err
	}
	_, err = t.findSecret(ctx, Ref{Label: label, ID: id})
	if errors.Is(err, ErrKeyAttributes) {
		err = errors.Join(err, t.destroy(ctx, id))
	}
	return id, err
}

func (s session) makeSecret(label string, id []byte, kind secretKind, rules []rule) error {
	template := []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, kind.keyType),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, label), pkcs11.NewAttribute(pkcs11.CKA_ID, id),
		pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, secretBytes),
	}
	for _, r := range rules {
		if r.attribute != pkcs11.CKA_ALWAYS_SENSITIVE && r.attribute != pkcs11.CKA_NEVER_EXTRACTABLE {
			template = append(template, pkcs11.NewAttribute(r.attribute, r.want))
		}
	}
	for usage := range secretUsages {
		template = append(template, pkcs11.NewAttribute(usage, kind.allows(usage)))
	}
	if _, err := s.lib.ctx.GenerateKey(s.handle, []*pkcs11.Mechanism{pkcs11.NewMechanism(kind.generate, nil)}, template); err != nil {
		return fmt.Errorf("couldn't make the key: %w", err)
	}
	return nil
}

func (k secretKind) allows(usage uint) bool { return slices.Contains(k.may, usage) }

// findSecret finds the one secret key that ref names and checks its attributes.
func (t *Token) findSecret(ctx context.Context, ref Ref) (*secret, error) {
	if err := ref.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyNotFound, err)
	}
	ctx, cancel := context.WithTimeout(ctx, t.cfg.CallTimeout)
	defer cancel()
	k := &secret{token: t, ref: ref}
	err := t.call(ctx, func(s session) error {
		handle, err := s.findSecretIn(ref, k)
		if err == nil {
			k.bound.Store(&binding{conn: s.conn, handle: handle})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't open secret key %q: %w", ref, err)
	}
	return k, nil
}

// findSecretIn finds the key and, unless into is nil, writes down what it is.
func (s session) findSecretIn(ref Ref, into *secret) (pkcs11.ObjectHandle, error) {
	handles, err := s.search(ref.template(pkcs11.CKO_SECRET_KEY)...)
	if err != nil {
		return 0, err
	}
	switch len(handles) {
	case 0:
		return 0, ErrKeyNotFound
	case 1:
	default:
		return 0, fmt.Errorf("%w: %d keys", ErrKeyAmbiguous, len(handles))
	}
	return handles[0], s.describeSecret(handles[0], into)
}

// describeSecret checks a secret key's attributes and writes down what it is. What could be read is there with an error, too.
func (s session) describeSecret(handle pkcs11.ObjectHandle, into *secret) error {
	types := []uint{pkcs11.CKA_KEY_TYPE, pkcs11.CKA_ID, pkcs11.CKA_LABEL, pkcs11.CKA_WRAP_WITH_TRUSTED}
	for _, r := range secretRules {
		types = append(types, r.attribute)
	}
	for u := range secretUsages {
		types = append(types, u)
	}
	values, err := s.values(handle, types...)
	if err != nil {
		return err
	}
	kind, wrappable, err := checkSecret(values)
	if into != nil {
		into.label, into.id, into.kind = string(values[pkcs11.CKA_LABEL]), values[pkcs11.CKA_ID], kind
		into.wrappable, into.restored = wrappable, wrappable && !isTrue(values[pkcs11.CKA_ALWAYS_SENSITIVE])
	}
	return err
}

func isTrue(value []byte) bool { return len(value) == 1 && value[0] != 0 }

// checkSecret says by its attributes what a key is and whether it was made for backup, and names every rule that it breaks.
func checkSecret(values map[uint][]byte) (a Algorithm, wrappable bool, err error) {
	keyType, _ := number(values[pkcs11.CKA_KEY_TYPE])
	for a, kind := range secretKinds {
		if kind.keyType != keyType {
			continue
		}
		rules := secretRules
		if wrappable = isTrue(values[pkcs11.CKA_EXTRACTABLE]) && isTrue(values[pkcs11.CKA_WRAP_WITH_TRUSTED]); wrappable {
			rules = wrappableRules
		}
		if err := checkAll(rules, values); err != nil {
			return a, wrappable, err
		}
		var broken []string
		for usage, name := range secretUsages {
			if isTrue(values[usage]) && !kind.allows(usage) {
				broken = append(broken, name+" is true")
			}
		}
		if broken != nil {
			return a, wrappable, fmt.Errorf("%w: %s", ErrKeyAttributes, strings.Join(broken, ", "))
		}
		return a, wrappable, nil
	}
	return "", false, fmt.Errorf("%w: secret key of type %#x", ErrAlgorithm, keyType)
}

func (k *secret) handle(s session) (pkcs11.ObjectHandle, error) {
	if b := k.bound.Load(); b != nil && b.conn == s.conn {
		return b.handle, nil
	}
	handle, err := s.findSecretIn(Ref{Label: k.label, ID: k.id}, nil)
	if err != nil {
		return 0, err
	}
	k.bound.Store(&binding{conn: s.conn, handle: handle})
	return handle, nil
}

// mac computes HMAC-SHA-256 over data, which is not empty.
func (k *secret) mac(s session, data []byte) ([]byte, error) {
	handle, err := k.handle(s)
	if err != nil {
		return nil, err
	}
	sum, err := s.lib.sign(s.handle, handle, mechanism{id: pkcs11.CKM_SHA256_HMAC, name: "SHA256_HMAC"}, data, secretBytes)
	if err == nil && len(sum) != secretBytes {
		return nil, fmt.Errorf("%w: HMAC of %d bytes", ErrWrongSignature, len(sum))
	}
	return sum, err
}

// Sizes of AES-GCM as it is used here (NIST SP 800-38D 5.2.1.1), in bytes.
const (
	gcmIV  = 12
	gcmTag = 16
)

// gcm is one encryption or decryption.
type gcm struct {
	decrypt bool
	iv      []byte // gcmIV bytes
	aad     []byte // not empty
	in      []byte // not empty
}

// crypt encrypts or decrypts with AES-GCM. A tag that does not fit is [ErrSealed].
func (k *secret) crypt(s session, g gcm) ([]byte, error) {
	handle, err := k.handle(s)
	if err != nil {
		return nil, err
	}
	return s.lib.gcm(s.handle, handle, g)
}

// refused tells data that were altered from a token that is lost: the first is no fault of the connection, and whoever sends
// such data must not cost the others theirs. SoftHSM says CKR_GENERAL_ERROR for a wrong tag.
func (g gcm) refused(err error) error {
	if g.decrypt && (errors.Is(err, pkcs11.Error(pkcs11.CKR_ENCRYPTED_DATA_INVALID)) || errors.Is(err, pkcs11.Error(pkcs11.CKR_ENCRYPTED_DATA_LEN_RANGE)) ||
		errors.Is(err, pkcs11.Error(pkcs11.CKR_GENERAL_ERROR))) {
		return fmt.Errorf("%w: %s", ErrSealed, err.Error())
	}
	return err
}
