package audit_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"qaqpa/signer/audit"

	"github.com/jmoiron/sqlx"
)

func (b *bench) sealPlainly() string {
	b.Helper()
	id, err := b.log.SealHeads(b.Context(), b.db, func(_ context.Context, document []byte) ([]byte, error) { return document, nil })
	if err != nil {
		b.Fatal(err)
	}
	return id
}

func openPlainly(sealed []byte) ([]byte, error) { return sealed, nil }

// The newest entries come first, those of a subject whole, and what means something to LIKE is text.
func TestRecent(t *testing.T) {
	b := setup(t)
	err := b.in(func(tx *sqlx.Tx) error {
		for i := range 30 {
			if err := b.log.Append(t.Context(), tx, fmt.Sprintf("operator:%d", i%2), []string{"key.used", "key_x.used"}[i%2], fmt.Sprintf("subject-%d", i%3), nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		q    audit.Query
		want int
	}{
		"all":          {audit.Query{Limit: 100}, 30},
		"a few":        {audit.Query{Limit: 7}, 7},
		"a subject":    {audit.Query{Subject: "subject-1", Limit: 100}, 10},
		"an actor":     {audit.Query{Actor: "operator:1", Limit: 100}, 15},
		"an action":    {audit.Query{Action: "key.used", Limit: 100}, 15},
		"a family":     {audit.Query{Action: "key.*", Limit: 100}, 15},
		"a wildcard":   {audit.Query{Action: "key%", Limit: 100}, 0},
		"another":      {audit.Query{Action: "key_.*", Limit: 100}, 0},
		"both":         {audit.Query{Subject: "subject-1", Actor: "operator:1", Limit: 100}, 5},
		"none":         {audit.Query{Subject: "'; DROP TABLE audit_entries; --", Limit: 100}, 0},
		"without one":  {audit.Query{}, 1},
		"more than it": {audit.Query{Limit: 1 << 30}, 30},
	} {
		got, err := audit.Recent(t.Context(), b.db, c.q)
		if err != nil || len(got) != c.want {
			t.Errorf("%s: %d entries, %v; want %d", name, len(got), err, c.want)
		}
		for i := 1; i < len(got); i++ {
			if got[i].At.After(got[i-1].At) {
				t.Errorf("%s: entry %d is newer than the one before", name, i)
			}
		}
	}
}

// An entry is held by the entries after it and by the first seal over them; whatever is changed in between shows.
func TestProve(t *testing.T) {
	b := setup(t)
	const subject = "one"
	at := audit.Head{Chain: audit.Bucket(subject), Seq: 2}
	for range 3 {
		b.append(subject)
	}
	prove := func() audit.Proof {
		t.Helper()
		p, err := audit.Prove(t.Context(), b.db, at, openPlainly)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := prove(); p.Problem != "" || p.Seal != "" || p.Through != 3 || p.Subject != subject {
		t.Errorf("without a seal: %+v", p)
	}
	seal := b.sealPlainly()
	b.append(subject)
	b.sealPlainly()
	if p := prove(); p.Problem != "" || p.Seal != seal || p.Through != 3 {
		t.Errorf("sealed: %+v", p)
	}
	if _, err := audit.Prove(t.Context(), b.db, audit.Head{Chain: at.Chain, Seq: 99}, openPlainly); !errors.Is(err, audit.ErrNoEntry) {
		t.Errorf("no entry: %v", err)
	}
	refuses := func([]byte) ([]byte, error) { return nil, errors.New("forged") }
	if p, err := audit.Prove(t.Context(), b.db, at, refuses); err != nil || p.Problem == "" {
		t.Errorf("a forged seal: %+v, %v", p, err)
	}
	for name, change := range map[string][2]string{
		"the entry":  {`UPDATE audit_entries SET actor = 'x' || actor WHERE seq = 2`, `UPDATE audit_entries SET actor = substr(actor, 2) WHERE seq = 2`},
		"the next":   {`UPDATE audit_entries SET actor = 'x' || actor WHERE seq = 3`, `UPDATE audit_entries SET actor = substr(actor, 2) WHERE seq = 3`},
		"a cut end":  {`UPDATE audit_entries SET seq = seq + 100 WHERE seq >= 3`, `UPDATE audit_entries SET seq = seq - 100 WHERE seq >= 103`},
		"the sealed": {`UPDATE audit_seals SET document = convert_to(replace(convert_from(document, 'UTF8'), '"hash":"', '"hash":"00'), 'UTF8')`, ``},
	} {
		b.exec(change[0])
		if p := prove(); p.Problem == "" {
			t.Errorf("%s was changed, and nothing shows: %+v", name, p)
		}
		if change[1] == "" {
			b.exec(`UPDATE audit_seals SET document = convert_to(replace(convert_from(document, 'UTF8'), '"hash":"00', '"hash":"'), 'UTF8')`)
			continue
		}
		b.exec(change[1])
		if p := prove(); p.Problem != "" {
			t.Errorf("%s was mended: %+v", name, p)
		}
	}
}
