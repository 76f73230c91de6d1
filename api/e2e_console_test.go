package api

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"qaqpa/api/auth"
	"qaqpa/api/portal"
	"qaqpa/api/watch"
	"qaqpa/payment/order"
	"qaqpa/signer/audit"
	"qaqpa/testenv/ncalayer"
)

// The operator looks at what is wrong, at figures, the catalogue and incidents, and writes down what was done, in each language, at both
// widths, dark and light.
func TestBrowserOperatorConsole(t *testing.T) {
	c := endToEnd(t)
	_, first := c.pay("CONSOLE-1")
	second := c.order(c.citizen.IIN(), c.alsoOwed("CONSOLE-2"))
	in[order.Order](t, c.authorise(second.ID, c.signed(c.citizen, second.ID)), 202)
	c.matched(t, first, c.executed(second.ID))
	c.grant(auth.Operator, "ops", auth.Editor, c.head)
	looks := must[*watch.Watcher](t)(watch.NewWatcher(watch.WatcherConfig{Store: c.cfg.Watch, Look: c.conditions, Times: c.times, Process: "test"}))
	c.cfg.Checks = []Check{{Name: "database", Ready: c.db.PingContext}, {Name: "token", Ready: func(context.Context) error { return nil }}}
	c.cfg.Room.Tokens = func() []TokenState {
		return []TokenState{{Label: "main", Processes: 2, Usable: 2}, {Label: "second", Processes: 2, Usable: 1, Since: time.Now(), Problem: "token is unavailable: CKR_DEVICE_ERROR", Trouble: "unavailable"}}
	}
	for i := range 24 { // so that the lines of the chart go through two hours
		r := watch.NewRecorder(classPay, classJudge, classOther)
		for j := range 100 {
			r.Observe(classPay, time.Duration(20+i*j/4)*time.Millisecond)
			r.Observe(classJudge, time.Duration(80+j*j/(i+1))*time.Millisecond)
		}
		then := must[*watch.Store](t)(watch.New(watch.Config{DB: c.db, Audit: must[*audit.Log](t)(audit.New(audit.Config{Now: time.Now})), Now: func() time.Time {
			return time.Now().Add(-time.Duration(i) * portal.LatencySlot)
		}}))
		if err := then.PutLatency(t.Context(), "other", r.Take()); err != nil {
			t.Fatal(err)
		}
	}
	for range 20 { // so that the chart has something of each class
		c.times.Observe(classJudge, 80*time.Millisecond)
		c.times.Observe(classPay, 900*time.Millisecond)
	}
	// A worker sees every moment that the bank owes no answer, so that the two have to meet.
	for seen, deadline := 0, time.Now().Add(time.Minute); seen == 0 && time.Now().Before(deadline); {
		if _, err := c.db.ExecContext(t.Context(), `UPDATE banks SET silent_since = now() - interval '5 minutes', paused = true WHERE bic = $1`, otherBIC); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(looks.Once(t.Context()), c.db.Get(&seen, `SELECT count(*) FROM incidents WHERE kind = 'silent'`)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.cfg.Watch.Happened(t.Context(), watch.Condition{Kind: watch.KindFailover, Subject: "database", Detail: "00000001 → 00000002", Grave: true}); err != nil {
		t.Fatal(err)
	}
	c.layer.Behave(ncalayer.Signs, c.signs(c.head))
	words := map[string][4]string{
		"kk": {"Банктердің берешегі", "Қызметтер каталогы", "жауап бермейді", "Жазба сақталды"},
		"ru": {"Задолженность банков", "Каталог услуг", "не отвечает", "Запись сохранена"},
		"en": {"What banks owe", "Catalogue", "does not answer", "The note is saved"},
	}
	const base = "/console/operator/ops"
	for lang, say := range words {
		for _, width := range []int64{360, 1280} {
			v := c.visit(t, fmt.Sprintf("ops %s %d", lang, width), width)
			if (width == 360) == (lang != "kk") {
				v.run(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}}))
			}
			v.open("/?lang=" + lang)
			v.enters()
			seen := func(step, words string) {
				v.sees(words)
				v.accessible(step)
				v.fits()
				v.shot(step)
			}
			v.open(base)
			seen("console", say[0])
			v.sees(map[string]string{"kk": "18,1", "ru": "18,1", "en": "18.1"}[lang]) // per cent: 2 lines of 11 were matched
			v.open(base + "/catalogue")
			seen("catalogue", say[1])
			v.click("main td a")
			v.run(chromedp.WaitVisible("main dl", chromedp.ByQuery))
			seen("service", say[1])
			v.open(base + "/incidents")
			seen("incidents", say[2])
			v.click("tbody a")
			v.run(chromedp.SendKeys("#text", "Дежурный позвонил в банк, связь восстановили", chromedp.ByQuery))
			v.click("button[value=measure]")
			seen("noted", say[3])
			v.clean()
		}
	}
}
