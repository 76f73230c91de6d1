package payment

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"qaqpa/payment/order"
	"qaqpa/payment/otp"
)

// pocket is the phone of the tests.
type pocket struct {
	mu    sync.Mutex
	texts []string
	down  bool
}

// Send implements Messenger.
func (p *pocket) Send(_ context.Context, phone, text string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return errDown
	}
	p.texts = append(p.texts, phone+" "+text)
	return nil
}

func (p *pocket) code() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return regexp.MustCompile(`\b\d{6}\b`).FindString(p.texts[len(p.texts)-1][len("+77011234567"):])
}

// wrong is a code that is not the one that came.
func (p *pocket) wrong() string {
	if p.code() == "000000" {
		return "000001"
	}
	return "000000"
}

// withCodes is a gateway in which the citizen has a phone and codes are allowed up to 10,000 tenge, 12,000 a day.
func withCodes(t *testing.T) (*bundle, *pocket) {
	t.Helper()
	p := &pocket{}
	b := setup(t, func(c *Config) { c.Messenger = p })
	_, err := b.SetCodePolicy(t.Context(), b.idem("policy"), "2026-01-01", otp.Policy{AmountMax: 1_000_000, DayMax: 1_200_000}, "test")
	b.must(err)
	c, _, err := b.StartPhone(t.Context(), b.idem("phone"), citizenIIN, "8 701 123 45 67", "ru")
	b.must(err)
	if masked, _, err := b.ConfirmPhone(t.Context(), b.idem("confirm"), citizenIIN, c.ID, p.code()); err != nil || masked != "+7••••••••67" {
		t.Fatalf("phone %s, %v", masked, err)
	}
	return b, p
}

func (b *bundle) byCode(o order.Order, c Challenge, code string) error {
	b.t.Helper()
	_, _, err := b.AuthoriseByCode(b.t.Context(), b.idem("code"+code), o.ID, c.ID, code)
	return err
}

// The message of a code names what leaves the account, commission and all, as the page and the document do.
func TestCodeNamesTheDebit(t *testing.T) {
	b, p := withCodes(t)
	b.inForce(onePercent())
	o := b.ordered(citizenIIN, b.fee(citizenIIN))
	_, _, err := b.StartCode(t.Context(), b.idem("start"), o.ID, "kk")
	b.must(err)
	if text := p.texts[len(p.texts)-1]; !strings.Contains(text, licenceDebitStr) {
		t.Errorf("the message says %q", text)
	}
}

func TestPayByCode(t *testing.T) {
	b, p := withCodes(t)
	o := b.ordered(citizenIIN, b.fee(citizenIIN))
	if phone, err := b.CodePhone(t.Context(), o.ID); err != nil || phone != "+7••••••••67" {
		t.Errorf("phone %q, %v", phone, err)
	}
	idem := b.idem("start")
	c, _, err := b.StartCode(t.Context(), idem, o.ID, "kk")
	b.must(err)
	if again, replayed, err := b.StartCode(t.Context(), idem, o.ID, "kk"); err != nil || !replayed || again != c || len(p.texts) != 2 {
		t.Errorf("again: %+v, %v, %d messages", again, err, len(p.texts))
	}
	if text := p.texts[1]; !strings.Contains(text, "5406.00") || !strings.Contains(text, "УГД по Тестовому району") {
		t.Errorf("the message says %q", text)
	}
	if open, err := b.OpenCode(t.Context(), citizenIIN, o.ID); err != nil || open == nil || open.ID != c.ID {
		t.Errorf("open %+v, %v", open, err)
	}
	wants(t, b.byCode(o, c, p.wrong()), ErrCodeWrong)
	if got := b.state(o.ID); got != order.Created {
		t.Errorf("order is %s", got)
	}
	out, _, err := b.AuthoriseByCode(t.Context(), b.idem("right"), o.ID, c.ID, p.code())
	if err != nil || out.State != order.Authorised || out.VerdictID != c.ID {
		t.Fatalf("order %+v, %v", out, err)
	}
	wants(t, b.byCode(o, c, p.code()), ErrOrderFinished)
	b.settle()
	b.agree()
	var stored []byte
	b.must(b.db.Get(&stored, `SELECT signature FROM authorisations WHERE order_id = $1 AND method = 'code'`, o.ID))
	opened, err := b.private.open(t.Context(), stored, place("authorisations", "signature", o.ID+"/1"))
	b.must(err)
	evidence := string(opened)
	if !strings.Contains(evidence, out.DocumentSHA256) || strings.Contains(evidence, p.code()) {
		t.Errorf("evidence %s", evidence)
	}
	b.nowhere(p.code())
}

// nowhere checks that a code was written down nowhere.
func (b *bundle) nowhere(code string) {
	b.t.Helper()
	for _, table := range []string{"diary", "idempotency", "otp_challenges", "order_events", "authorisations"} {
		var found int
		b.must(b.db.Get(&found, fmt.Sprintf(`SELECT count(*) FROM %s t WHERE t::text ~ ('(^|[^0-9a-f])' || $1 || '($|[^0-9a-f])')`, table), code))
		if found != 0 {
			b.t.Errorf("the code stands in %s", table)
		}
	}
}

func TestCodeRefuses(t *testing.T) {
	b, p := withCodes(t)
	ctx := t.Context()
	start := func(o order.Order) (Challenge, error) {
		c, _, err := b.StartCode(ctx, b.idem("s"), o.ID, "ru")
		return c, err
	}
	o, other := b.ordered(citizenIIN, b.fee(citizenIIN)), b.ordered(citizenIIN, b.fee(citizenIIN))
	c, err := start(o)
	b.must(err)
	wants(t, b.byCode(other, c, p.code()), ErrCodeSpent) // a code of another order
	b.clock.advance(otp.TTL)
	wants(t, b.byCode(o, c, p.code()), ErrCodeSpent) // too late
	c, err = start(other)
	b.must(err)
	second, err := start(other)
	b.must(err)
	wants(t, b.byCode(other, c, p.code()), ErrCodeSpent) // a newer one was sent
	for range otp.TriesMax {
		wants(t, b.byCode(other, second, p.wrong()), ErrCodeWrong)
	}
	wants(t, b.byCode(other, second, p.code()), ErrCodeSpent) // the right one, too late
	_, err = start(other)
	b.must(err)
	_, err = start(other)
	wants(t, err, ErrCodeTooMany)
	b.must(b.byCode(other, Challenge{ID: mustOpen(t, b, other).ID}, " "+p.code()+" "))
	third := b.ordered(citizenIIN, b.fee(citizenIIN)) // 5,406 and 5,406 of 12,000 a day
	c, err = start(third)
	b.must(err)
	b.must(b.byCode(third, c, p.code()))
	_, err = start(b.ordered(citizenIIN, b.fee(citizenIIN)))
	wants(t, err, ErrCodeNotAllowed)
	court, claim := b.court()
	_, err = start(b.ordered(citizenIIN, b.owes(court.ID, claim, "LARGE", 1_000_001)))
	wants(t, err, ErrCodeNotAllowed)
	_, err = start(b.ordered(neighborIIN, b.fee(neighborIIN))) // no phone
	wants(t, err, ErrCodeNotAllowed)
	_, err = start(third)
	wants(t, err, ErrOrderFinished)
	_, _, err = b.AuthoriseByCode(ctx, b.idem("x"), o.ID, "otp_x", "123456")
	wants(t, err, ErrOrderExpired.orFinished(b, o))
	b.settle()
	b.agree()
}

// orFinished is the refusal of an order by its age.
func (e *Error) orFinished(b *bundle, o order.Order) *Error {
	if b.clock.now().Before(o.ExpiresAt) {
		return ErrCodeSpent
	}
	return e
}

func mustOpen(t *testing.T, b *bundle, o order.Order) Challenge {
	t.Helper()
	c, err := b.OpenCode(t.Context(), o.Payer, o.ID)
	if err != nil || c == nil {
		t.Fatalf("no open code: %v", err)
	}
	return *c
}

// Many guesses at once are counted one by one: five of them are compared and no more, the right one among the rest is lost.
func TestCodeGuessedInParallel(t *testing.T) {
	b, p := withCodes(t)
	o := b.ordered(citizenIIN, b.fee(citizenIIN))
	c, _, err := b.StartCode(t.Context(), b.idem("s"), o.ID, "ru")
	b.must(err)
	var wait sync.WaitGroup
	var mu sync.Mutex
	compared := 0
	for i := range 20 {
		idem := b.idem(fmt.Sprint(i))
		wait.Go(func() {
			_, _, err := b.AuthoriseByCode(t.Context(), idem, o.ID, c.ID, p.wrong())
			mu.Lock()
			defer mu.Unlock()
			if codeOf(err) == string(ErrCodeWrong.Code) {
				compared++
			}
		})
	}
	wait.Wait()
	if compared != otp.TriesMax {
		t.Errorf("%d guesses were compared", compared)
	}
	wants(t, b.byCode(o, c, p.code()), ErrCodeSpent)
}

// The same right code at once, and two orders at once that only fit one by one into what is left of the day: one each.
func TestCodeRaces(t *testing.T) {
	b, p := withCodes(t)
	for _, orders := range [][]order.Order{
		{b.ordered(citizenIIN, b.fee(citizenIIN))},
		{b.ordered(citizenIIN, b.fee(citizenIIN)), b.ordered(citizenIIN, b.fee(citizenIIN))}, // of which the day admits one more
	} {
		type try struct {
			o    order.Order
			c    Challenge
			code string
		}
		var tries []try
		for _, o := range orders {
			c, _, err := b.StartCode(t.Context(), b.idem("s"), o.ID, "ru")
			b.must(err)
			tries = append(tries, try{o, c, p.code()}, try{o, c, p.code()})
		}
		var wait sync.WaitGroup
		for _, x := range tries {
			idem := b.idem("race")
			wait.Go(func() { _, _, _ = b.AuthoriseByCode(t.Context(), idem, x.o.ID, x.c.ID, x.code) })
		}
		wait.Wait()
		authorised := 0
		for _, o := range orders {
			if b.state(o.ID) != order.Created {
				authorised++
			}
		}
		if authorised != 1 {
			t.Errorf("%d of %d orders are authorised", authorised, len(orders))
		}
	}
	b.settle()
	b.agree()
}

// A message that did not go kills its code; another day, policy or company's rule decides anew.
func TestCodePolicy(t *testing.T) {
	b, p := withCodes(t)
	ctx := t.Context()
	o := b.ordered(citizenIIN, b.fee(citizenIIN))
	p.down = true
	_, _, err := b.StartCode(ctx, b.idem("s"), o.ID, "ru")
	wants(t, err, ErrMessageNotSent)
	if open, err := b.OpenCode(ctx, citizenIIN, o.ID); err != nil || open != nil {
		t.Errorf("open %+v, %v", open, err)
	}
	p.down = false
	_, _, err = b.SetSignatures(ctx, b.idem("2"), citizenIIN, 2)
	b.must(err)
	_, _, err = b.StartCode(ctx, b.idem("s"), o.ID, "ru")
	wants(t, err, ErrCodeNotAllowed)
	_, _, err = b.SetSignatures(ctx, b.idem("1"), citizenIIN, 1)
	b.must(err)
	_, err = b.SetCodePolicy(ctx, b.idem("end"), "2026-03-01", otp.Policy{}, "test")
	b.must(err)
	if phone, err := b.CodePhone(ctx, o.ID); err != nil || phone != "" {
		t.Errorf("after the end of the policy: %q, %v", phone, err)
	}
	for _, policy := range []otp.Policy{{AmountMax: 1}, {AmountMax: 2, DayMax: 1}, {AmountMax: -1, DayMax: 1}} {
		_, err = b.SetCodePolicy(ctx, b.idem("bad"), "2026-03-01", policy, "test")
		wants(t, err, ErrInvalid)
	}
	_, _, err = b.StartPhone(ctx, b.idem("p"), citizenIIN, "+7 495 123 45 67", "ru")
	wants(t, err, ErrPhoneInvalid)
	off := setup(t)
	_, _, err = off.StartPhone(ctx, off.idem("p"), citizenIIN, "+77011234567", "ru")
	wants(t, err, ErrCodeNotAllowed)
	// Ten messages a day, whatever they are for.
	for i := range otp.PerDayMax {
		_, _, err = b.StartPhone(ctx, b.idem("many"), citizenIIN, fmt.Sprintf("+770199900%02d", i), "ru")
	}
	wants(t, err, ErrCodeTooMany)
	b.clock.advance(25 * time.Hour)
	_, _, err = b.StartPhone(ctx, b.idem("next day"), citizenIIN, "+77019990099", "ru")
	b.must(err)
}

// The attack: codes for one person are asked for at once, from as many browsers: each would be guessed at five times.
func TestSignInCodesAskedAtOnce(t *testing.T) {
	b, _ := withCodes(t)
	var wait sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for i := range 4 * otp.PerDayMax {
		idem := b.idem(fmt.Sprint(i))
		wait.Go(func() {
			_, _, err := b.StartSignIn(t.Context(), idem, citizenIIN, fmt.Sprintf("browser %d", i), "ru")
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				made++
			} else if codeOf(err) != string(ErrCodeTooMany.Code) {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if made != otp.PerDayMax {
		t.Errorf("%d codes, want %d", made, otp.PerDayMax)
	}
}
