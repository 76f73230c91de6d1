package auth

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"qaqpa/api/auth/password"
	"qaqpa/api/auth/totp"
)

const secret = "он екі таңбадан ұзын"

// enrolled makes an account that is ready, and returns the seed of its second factor.
func (b *bundle) enrolled(t *testing.T) (Member, []byte) {
	t.Helper()
	m, err := b.Grant(t.Context(), Member{Kind: Operator, Subject: "ops", BIN: someBIN, IIN: someIIN, Role: Editor}, "operator:test")
	if err != nil {
		t.Fatal(err)
	}
	code, err := b.Invite(t.Context(), Account{Login: "Aigul", Name: "Айгүл", Member: m.ID}, "operator:test")
	if err != nil {
		t.Fatal(err)
	}
	seed, err := b.Enrol(t.Context(), "aigul", strings.ToUpper(strings.ReplaceAll(code, "-", " ")), secret)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Enrol(t.Context(), "aigul", code, secret); !errors.Is(err, ErrInvitation) {
		t.Errorf("an invitation serves twice: %v", err)
	}
	return m, seed
}

func (b *bundle) code(seed []byte) string { return totp.Code(seed, totp.Step(b.now)) }

func (b *bundle) byPassword(t *testing.T, secret, code string, want error) string {
	t.Helper()
	token, _, err := b.SignInByPassword(t.Context(), "aigul", secret, code, here)
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
	return token
}

func TestPasswordAndCode(t *testing.T) {
	b := setup(t)
	m, seed := b.enrolled(t)
	token := b.byPassword(t, secret, b.code(seed), nil)
	v, err := b.Session(t.Context(), token, here)
	if err != nil || v.Way != ByPassword || v.Account != "aigul" || v.IIN != someIIN || v.ExpiresAt.Sub(v.CreatedAt) != shortLife {
		t.Fatalf("%+v %v", v, err)
	}
	if hats, err := b.MembershipsOf(t.Context(), v); err != nil || len(hats) != 1 {
		t.Errorf("%v %v", hats, err)
	}
	// Rights at agencies and banks need the organisation's certificate.
	if _, err := b.Grant(t.Context(), Member{Kind: Agency, Subject: "agc_1", BIN: someBIN, IIN: someIIN, Role: Editor}, "operator:test"); err != nil {
		t.Fatal(err)
	}
	if hats, err := b.MembershipsOf(t.Context(), v); err != nil || len(hats) != 1 {
		t.Errorf("a password opens an agency: %v %v", hats, err)
	}
	// The attack: the code is read over the shoulder and used again, or one from before.
	b.byPassword(t, secret, b.code(seed), ErrSignIn)
	b.byPassword(t, secret, totp.Code(seed, totp.Step(b.now)-1), ErrSignIn)
	b.now = b.now.Add(30 * time.Second)
	b.byPassword(t, secret, b.code(seed), nil)
	b.byPassword(t, secret, "", ErrSignIn)
	b.byPassword(t, "", b.code(seed), ErrSignIn)
	b.now = b.now.Add(time.Minute)
	if _, _, err := b.SignInByPassword(t.Context(), "nobody", secret, b.code(seed), here); !errors.Is(err, ErrSignIn) {
		t.Errorf("got %v", err)
	}
	if err := b.RevokeMember(t.Context(), m.ID, "operator:test"); err != nil {
		t.Fatal(err)
	}
	b.byPassword(t, secret, b.code(seed), ErrSignIn)
	if hats, err := b.MembershipsOf(t.Context(), v); err != nil || len(hats) != 0 {
		t.Errorf("the right has ended: %v %v", hats, err)
	}
}

// The attack: passwords are guessed, one after the other and many at once.
func TestGuessersWait(t *testing.T) {
	b := setup(t)
	_, seed := b.enrolled(t)
	for range failuresFree {
		b.byPassword(t, "wrong password here", b.code(seed), ErrSignIn)
	}
	b.byPassword(t, secret, b.code(seed), ErrSignIn) // the right one, during the pause
	b.now = b.now.Add(pauseFirst)
	store := *b.Store
	store.cfg.Audit = &audit{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			_, _, _ = store.SignInByPassword(context.WithoutCancel(t.Context()), "aigul", "wrong password", "", here)
		})
	}
	wg.Wait()
	list, err := b.Accounts(t.Context())
	if err != nil || len(list) != 1 || list[0].Failures != failuresFree+1 {
		t.Errorf("one guess after the pause is tried, not %+v %v", list, err)
	}
	b.now = b.now.Add(2 * pauseFirst)
	b.byPassword(t, secret, b.code(seed), nil)
	if list, err := b.Accounts(t.Context()); err != nil || list[0].Failures != 0 {
		t.Errorf("%+v %v", list, err)
	}
	for n, want := range map[int]time.Duration{0: 0, 2: 0, 3: pauseFirst, 4: 2 * pauseFirst, 9: 32 * time.Minute, 10: pauseMax, 1 << 30: pauseMax} {
		if got := pauseAfter(n); got != want {
			t.Errorf("after %d failures: %v, want %v", n, got, want)
		}
	}
}

func TestInvitations(t *testing.T) {
	b := setup(t)
	m, seed := b.enrolled(t)
	token := b.byPassword(t, secret, b.code(seed), nil)
	for _, a := range []Account{
		{Login: "x", Name: "X", Member: m.ID},
		{Login: "some body", Name: "X", Member: m.ID},
		{Login: "somebody", Member: m.ID},
		{Login: "somebody", Name: "X"},
		{Login: "somebody", Name: "X", Member: "mbr_nothing"},
	} {
		if _, err := b.Invite(t.Context(), a, "operator:test"); !errors.Is(err, ErrAccount) {
			t.Errorf("%+v: %v", a, err)
		}
	}
	code, err := b.Invite(t.Context(), Account{Login: "aigul", Name: "Айгүл", Member: m.ID}, "operator:test")
	if err != nil {
		t.Fatal(err)
	}
	b.gone(t, token) // a new invitation ends what was
	b.byPassword(t, secret, b.code(seed), ErrSignIn)
	for name, row := range map[string]struct {
		login, code, chosen string
		want                error
	}{
		"wrong code":     {"aigul", "aaaa-bbbb", secret, ErrInvitation},
		"wrong login":    {"nobody", code, secret, ErrInvitation},
		"short password": {"aigul", code, "short", password.ErrLength},
		"own name":       {"aigul", code, "aigul-aigul-2026", password.ErrPlain},
	} {
		if _, err := b.Enrol(t.Context(), row.login, row.code, row.chosen); !errors.Is(err, row.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.now = b.now.Add(inviteLife)
	if _, err := b.Enrol(t.Context(), "aigul", code, secret); !errors.Is(err, ErrInvitation) {
		t.Errorf("an old invitation serves: %v", err)
	}
}

func TestEndedAccounts(t *testing.T) {
	b := setup(t)
	_, seed := b.enrolled(t)
	token := b.byPassword(t, secret, b.code(seed), nil)
	if err := b.EndAccount(t.Context(), "aigul", "operator:test"); err != nil {
		t.Fatal(err)
	}
	b.gone(t, token)
	b.now = b.now.Add(time.Minute)
	b.byPassword(t, secret, b.code(seed), ErrSignIn)
	if err := b.EndAccount(t.Context(), "aigul", "operator:test"); !errors.Is(err, ErrAccount) {
		t.Errorf("got %v", err)
	}
}

// The attack: the cookie of an operator's session is used from elsewhere.
func TestOperatorsSessionsAreBound(t *testing.T) {
	b := setup(t)
	_, seed := b.enrolled(t)
	token := b.byPassword(t, secret, b.code(seed), nil)
	if _, err := b.Session(t.Context(), token, "198.51.100.1"); !errors.Is(err, ErrNoSession) {
		t.Errorf("got %v", err)
	}
	b.gone(t, token) // and is over for its thief and its owner alike
	citizen, _ := b.signIn(t)
	if _, err := b.Session(t.Context(), citizen, "198.51.100.1"); err != nil {
		t.Errorf("a citizen may walk: %v", err)
	}
	// An operator with his EDS is bound as well.
	who := visitor()
	who.IIN, who.BIN = someIIN, someBIN
	token, v, err := b.SignIn(t.Context(), b.challenge(t), who, ByEDS, here)
	if err != nil || v.BoundTo != here || v.ExpiresAt.Sub(v.CreatedAt) != shortLife {
		t.Fatalf("%+v %v", v, err)
	}
	b.now = b.now.Add(shortIdle)
	b.gone(t, token)
}

func TestPasskeysOfAccounts(t *testing.T) {
	b := setup(t)
	b.enrolled(t)
	if _, _, err := b.CheckPassword(t.Context(), "aigul", secret); !errors.Is(err, ErrSignIn) {
		t.Errorf("an account without passkeys: %v", err)
	}
	a := Account{Login: "aigul", IIN: someIIN, BIN: someBIN, Name: "Айгүл"}
	for i := range passkeysMax {
		if err := b.AddPasskey(t.Context(), a, Passkey{ID: []byte{byte(i)}, Name: "key", Credential: "{}"}); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []byte{0, 99} { // one that is there, and one too many
		if err := b.AddPasskey(t.Context(), a, Passkey{ID: []byte{id}, Name: "key", Credential: "{}"}); !errors.Is(err, ErrAccount) {
			t.Errorf("got %v", err)
		}
	}
	account, keys, err := b.CheckPassword(t.Context(), "aigul", secret)
	if err != nil || len(keys) != passkeysMax {
		t.Fatalf("%d %v", len(keys), err)
	}
	question, err := b.Ask(t.Context(), "aigul", "sign-in", `{"q":1}`)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Asked(t.Context(), question, "add"); !errors.Is(err, ErrQuestion) {
		t.Errorf("a question serves another purpose: %v", err)
	}
	if got, q, err := b.Asked(t.Context(), question, "sign-in"); err != nil || q != `{"q":1}` || got.Login != "aigul" {
		t.Errorf("%+v %s %v", got, q, err)
	}
	if _, _, err := b.Asked(t.Context(), question, "sign-in"); !errors.Is(err, ErrQuestion) {
		t.Errorf("a question is answered twice: %v", err)
	}
	keys[0].Credential = `{"n":2}`
	if _, v, err := b.SignInByPasskey(t.Context(), account, keys[0], here); err != nil || v.Account != "aigul" {
		t.Errorf("%+v %v", v, err)
	}
	if err := b.RemovePasskey(t.Context(), a, keys[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.SignInByPasskey(t.Context(), account, keys[0], here); !errors.Is(err, ErrSignIn) {
		t.Errorf("a passkey that was removed serves: %v", err)
	}
}
