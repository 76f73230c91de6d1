package api

import (
	"strings"
	"testing"

	"qaqpa/api/auth"
)

// Two operators agree on a key, and look at trust, the log and the proof of an entry.
func TestBrowserOperatorsRoom(t *testing.T) {
	c := endToEnd(t)
	book := c.furnished(t)
	c.grant(auth.Operator, "aigul", auth.Editor, c.head)
	c.grant(auth.Operator, "dauren", auth.Editor, c.employee)
	if _, err := c.cfg.Signer.SealAudit(t.Context(), "test"); err != nil {
		t.Fatal(err)
	}
	words := map[string][6]string{
		"kk": {"Шлюз қол қоятын кілттер", "Куәландырушы орталықтар", "Аудит журналы", "Жазба орнында", "Сұрау жазылды", "Сұрау мақұлданды"},
		"ru": {"Ключи, которыми подписывает шлюз", "Удостоверяющие центры", "Журнал аудита", "Запись на месте", "Запрос записан", "Запрос одобрен"},
		"en": {"Keys that the gateway signs with", "Certification authorities", "Audit log", "The entry is in its place", "The request is written down", "The request is approved"},
	}
	n := 0
	for lang, say := range words {
		for _, width := range []int64{360, 1280} {
			n++
			v := c.enteredBy(t, c.head, "room", lang, width)
			for i, page := range []string{"keys", "trust", "audit"} {
				v.open("/console/operator/aigul/" + page)
				v.sees(say[i])
				v.accessible(page)
				v.fits()
				v.shot(page)
			}
			v.click("tbody a")
			v.sees(say[3])
			v.accessible("proof")
			v.fits()
			v.shot("proof")
			v.open(opsKeys)
			v.click(`form[action$="/ask"] button`)
			v.sees(say[4]) // the page of before may show his name already
			v.sees("(aigul)")
			v.accessible("asked")
			v.clean()
			w := c.enteredBy(t, c.employee, "room second", lang, width)
			w.open("/console/operator/dauren/keys")
			w.fits()
			w.shot("requests")
			w.click(`form[action$="/approve"] button`)
			w.sees(say[5])
			w.sees("(dauren)")
			w.accessible("approved")
			w.fits()
			w.shot("approved")
			w.clean()
		}
	}
	open, err := book.Open(t.Context())
	if err != nil || len(open) != n {
		t.Fatalf("%d requests for %d, %v", len(open), n, err)
	}
	for _, r := range open {
		if r.Approved == nil || !strings.HasPrefix(*r.Approved, "operator:dauren/") || !strings.HasPrefix(r.Asked, "operator:aigul/") {
			t.Errorf("%+v", r)
		}
	}
}
