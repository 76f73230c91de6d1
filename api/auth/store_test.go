package auth

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"qaqpa/testenv/postgres"

	"github.com/google/go-cmp/cmp"
	"github.com/jmoiron/sqlx"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// audit keeps what was appended; the real log is tested where it lives.
type audit struct {
	entries []string
	err     error
}

func (a *audit) Append(_ context.Context, _ *sqlx.Tx, actor, action, subject string, detail []byte) error {
	a.entries = append(a.entries, actor+" "+action+" "+subject)
	if strings.Contains(string(detail), "secret") {
		return errors.New("the detail talks of a secret")
	}
	return a.err
}

type bundle struct {
	*Store
	audit *audit
	now   time.Time
	db    *sqlx.DB
}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{audit: &audit{}, now: time.Date(2026, 10, 18, 9, 0, 0, 0, time.UTC), db: postgres.ForTest(t, Migrate)}
	s, err := New(Config{
		DB: b.db, Audit: b.audit, Now: func() time.Time { return b.now }, UnknownPerSecond: 5,
		Registerer: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Store = s
	return b
}

func (b *bundle) create(t *testing.T, in NewKey) (string, Key) {
	t.Helper()
	if in.Actor == "" {
		in.Actor = "operator:test"
	}
	token, key, err := b.Create(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return token, key
}

func (b *bundle) want(t *testing.T, token string, want error) {
	t.Helper()
	if c, err := b.Authenticate(t.Context(), token); !errors.Is(err, want) || c.Known() {
		t.Errorf("got %+v, %v; want %v", c, err, want)
	}
}

func TestCreateAndAuthenticate(t *testing.T) {
	b := setup(t)
	token, key := b.create(t, NewKey{Kind: Agency, Subject: "agn_1", Name: "Court"})
	if len(token) != tokenLen || !strings.HasPrefix(token, "qk_"+key.ID+"_") {
		t.Fatalf("odd token %q", token)
	}
	for range 2 { // from the database, then from memory
		c, err := b.Authenticate(t.Context(), token)
		if err != nil {
			t.Fatal(err)
		}
		if c.Kind != Agency || c.Subject != "agn_1" || c.Actor() != "agency:agn_1" || !c.Allows(DebtsWrite) || c.Allows(OrdersWrite) {
			t.Errorf("got %+v", c)
		}
	}
	keys, err := b.Keys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Key{key}, keys); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"operator:test api_key.created " + key.ID}, b.audit.entries); diff != "" {
		t.Error(diff)
	}
	var stored string
	if err := b.db.Get(&stored, "SELECT api_key::text FROM api_key"); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(stored, token[len(token)-secretLen:]) {
		t.Error("the secret is in the database")
	}
	var m dto.Metric
	if err := b.metrics.total.WithLabelValues("ok").Write(&m); err != nil || m.GetCounter().GetValue() != 2 {
		t.Errorf("counted %v, %v", m.GetCounter(), err)
	}
}

func TestAuthenticateRefuses(t *testing.T) {
	b := setup(t)
	token, _ := b.create(t, NewKey{Kind: Bank, Subject: "TESTKZKA"})
	other, _ := b.create(t, NewKey{Kind: Bank, Subject: "TESTKZKB"})
	last := byte('a')
	if token[len(token)-1] == 'a' {
		last = 'b'
	}
	for name, bad := range map[string]string{
		"empty":             "",
		"no prefix":         token[3:],
		"one byte less":     token[:len(token)-1],
		"one byte more":     token + "a",
		"last byte changed": token[:len(token)-1] + string(last),
		"upper case":        "qk_" + strings.ToUpper(token[3:]),
		"secret of another": token[:tokenLen-secretLen] + other[tokenLen-secretLen:],
		"unknown id":        "qk_" + strings.Repeat("a", idLen) + token[3+idLen:],
		"quote in the id":   "qk_'" + token[4:],
		"NUL in the id":     "qk_\x00" + token[4:],
	} {
		t.Run(name, func(t *testing.T) { b.want(t, bad, ErrUnknownKey) })
	}
}

func TestRevokedEndsAtOnceHereAndSoonElsewhere(t *testing.T) {
	b := setup(t)
	token, key := b.create(t, NewKey{Kind: Portal, Subject: "egov"})
	elsewhere, err := New(Config{DB: b.db, Now: func() time.Time { return b.now }})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Store{b.Store, elsewhere} {
		if _, err := s.Authenticate(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		if err := b.Revoke(t.Context(), key.ID, "operator:test"); err != nil {
			t.Fatal(err)
		}
	}
	b.want(t, token, ErrRevoked)
	b.now = b.now.Add(5 * time.Second)
	if _, err := elsewhere.Authenticate(t.Context(), token); !errors.Is(err, ErrRevoked) {
		t.Errorf("another process still takes the key: %v", err)
	}
	if len(b.audit.entries) != 2 {
		t.Errorf("revoked twice, noted as %v", b.audit.entries)
	}
	if err := b.Revoke(t.Context(), "nosuchkey", "operator:test"); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("got %v", err)
	}
}

func TestExpires(t *testing.T) {
	b := setup(t)
	token, _ := b.create(t, NewKey{Kind: Operator, Subject: "ops", ExpiresAt: b.now.Add(time.Hour)})
	b.now = b.now.Add(time.Hour - time.Nanosecond)
	if _, err := b.Authenticate(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(time.Nanosecond)
	b.want(t, token, ErrExpired)
}

func TestUnknownIdsAreBoundedButKnownKeysAreNot(t *testing.T) {
	b := setup(t)
	token, _ := b.create(t, NewKey{Kind: Portal, Subject: "egov"})
	if _, err := b.Authenticate(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	busy := 0
	for i := range 30 {
		_, err := b.Authenticate(t.Context(), "qk_"+strings.Repeat(string(alphabet[i]), idLen)+token[3+idLen:])
		if errors.Is(err, ErrBusy) {
			busy++
		} else if !errors.Is(err, ErrUnknownKey) {
			t.Fatal(err)
		}
	}
	if busy != 30-9 { // a burst of ten, one of which the good key took
		t.Errorf("%d of 30 made-up keys were held up", busy)
	}
	b.now = b.now.Add(5 * time.Second) // its row has to be read again
	if _, err := b.Authenticate(t.Context(), token); err != nil {
		t.Error(err)
	}
}

func TestNobodyGetsInWithoutDatabase(t *testing.T) {
	b := setup(t)
	token, _ := b.create(t, NewKey{Kind: Portal, Subject: "egov"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c, err := b.Authenticate(ctx, token)
	if err == nil || errors.Is(err, ErrUnknownKey) || c.Known() {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestCreateRefuses(t *testing.T) {
	b := setup(t)
	for name, in := range map[string]NewKey{
		"kind":          {Kind: "citizen", Subject: "x", Actor: "a"},
		"no subject":    {Kind: Portal, Actor: "a"},
		"no actor":      {Kind: Portal, Subject: "x"},
		"expired":       {Kind: Portal, Subject: "x", Actor: "a", ExpiresAt: b.now},
		"scope of none": {Kind: Portal, Subject: "x", Actor: "a", Scopes: []Scope{}},
		"more scopes":   {Kind: Portal, Subject: "x", Actor: "a", Scopes: []Scope{DebtsWrite}},
		"long subject":  {Kind: Portal, Subject: strings.Repeat("x", 65), Actor: "a"},
	} {
		if token, _, err := b.Create(t.Context(), in); err == nil {
			t.Errorf("%s: made %s", name, token)
		}
	}
	b.audit.err = errors.New("audit log is full")
	if _, _, err := b.Create(t.Context(), NewKey{Kind: Portal, Subject: "x", Actor: "a"}); err == nil {
		t.Error("a key was made that the audit log does not know")
	}
	if keys, err := b.Keys(t.Context()); err != nil || len(keys) != 0 {
		t.Errorf("left behind %v, %v", keys, err)
	}
}

func TestNobodyIsAllowedNothing(t *testing.T) {
	var c Caller
	if c.Known() || c.Allows(ServicesRead) || c.Actor() != "anonymous" {
		t.Errorf("got %+v", c)
	}
}

func FuzzSplitToken(f *testing.F) {
	f.Add("qk_" + strings.Repeat("a", idLen) + "_" + strings.Repeat("7", secretLen))
	f.Add("qk_")
	f.Fuzz(func(t *testing.T, token string) {
		id, _, ok := splitToken(token)
		if ok && (len(id) != idLen || strings.Trim(id, alphabet) != "") {
			t.Fatalf("took id %q", id)
		}
	})
}
