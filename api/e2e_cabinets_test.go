package api

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/money"
	"qaqpa/signer"
	stand "qaqpa/testenv/bank"
	"qaqpa/testenv/fault"
	"qaqpa/testenv/ncalayer"
	"qaqpa/testenv/postgres"
)

// lookedAt is a page that was judged by axe-core, that fits on the screen, and of which a picture is kept.
func (v *visitor) lookedAt(step, words string) {
	v.t.Helper()
	v.sees(words)
	v.accessible(step)
	v.fits()
	v.shot(step)
}

// printed takes the page as paper has it: nothing of what leads on is on it, and it is no wider than a sheet.
func (v *visitor) printed(step string) {
	v.t.Helper()
	v.run(emulation.SetEmulatedMedia().WithMedia("print"))
	var left int
	v.run(chromedp.Evaluate(`[...document.querySelectorAll("nav, .who, main button, .inline")].filter(e => e.offsetParent !== null).length`, &left))
	if left > 0 {
		v.t.Errorf("%s %s: %d things to click are printed", v.name, step, left)
	}
	v.shot(step + "-printed")
	v.run(emulation.SetEmulatedMedia().WithMedia(""))
}

// People of an agency find notifications that were given up, read their tries, send one from the middle again with a double click, and read
// the errors of a feed by line; all without a script of ours.
func TestBrowserAgencyCabinet(t *testing.T) {
	c := endToEnd(t)
	c.pay("CABINET-1")
	webhook := c.deadWebhooks(t)
	c.twoEditors()
	c.layer.Behave(ncalayer.Signs, c.signs(c.head))
	words := map[string][6]string{
		"kk": {"Жеткізілмеген хабарламалар: 3", "Қайта жіберу", "Жіберу әрекеттері", "Соңғы жүктелімдер", "Қайтарулар мен түзетулер", "Хабарлама қайта жіберіледі"},
		"ru": {"Недоставленные уведомления: 3", "Отправить снова", "Попытки отправки", "Последние загрузки", "Возвраты и исправления", "Уведомление будет отправлено снова"},
		"en": {"Notifications that were given up: 3", "Send again", "Tries", "What was loaded last", "Refunds and corrections", "The notification is sent again"},
	}
	base := "/console/agency/" + c.agencyID
	n := 0
	for lang, say := range words {
		for _, width := range []int64{360, 1280} {
			n++
			c.giveUp(t, webhook[1])
			v := c.visit(t, fmt.Sprintf("agency cabinet %s %d", lang, width), width)
			if (width == 360) == (lang != "kk") {
				v.dark(true)
			}
			v.open("/?lang=" + lang)
			v.enters()
			v.open(base)
			v.lookedAt("1-payments", say[0])
			v.click(`main a[href$="state=dead"]`)
			v.lookedAt("2-dead", say[1])
			v.click(fmt.Sprintf(`td a[href$=%q]`, webhook[1]))
			v.lookedAt("3-tries", say[2])
			v.run(chromedp.Evaluate(`(() => { const b = document.querySelector("main form button"); b.click(); b.click(); })()`, nil)) // a double click
			v.lookedAt("4-sent", say[5])
			v.open(base + "/debts")
			v.lookedAt("5-feeds", say[3])
			sent := c.feed(fmt.Sprintf("feed-%d", n), fmt.Sprintf(`{"reference":"F-%d","payer":{"id":"12345"},"service":%q}`+"\n", n, c.services(t)[0].ID))
			if sent.status != 200 {
				t.Fatalf("%d %s", sent.status, sent.body)
			}
			v.open(base + "/debts")
			v.click("tbody a")
			v.lookedAt("6-errors", fmt.Sprintf("F-%d", n))
			v.open(base + "/refunds")
			v.lookedAt("7-refunds", say[4])
			v.open(base + "/registers")
			v.lookedAt("8-registers", "Көпір Банк")
			v.open(base + "/webhooks")
			v.printed("9-webhooks")
			v.clean()
		}
	}
}

// giveUp makes a webhook one that was given up.
func (w *whole) giveUp(t *testing.T, webhook string) {
	t.Helper()
	if _, err := w.db.ExecContext(t.Context(), `UPDATE outbox SET state = 'dead', failures = 2, finished_at = now() WHERE id = $1`, webhook); err != nil {
		t.Fatal(err)
	}
}

// People of a bank look at what is owed, at executions and refusals in words, at what the bank was asked, withdraw a statement by two, and read
// what was said of an exception.
func TestBrowserBankCabinet(t *testing.T) {
	needsBrowser(t)
	c := endToEndOn(t, startOn(t, postgres.ForTest(t, signer.Migrate, payment.Migrate, auth.Migrate), true))
	c.registersAccount()
	today := string(oneDay(t)) // the pages are looked at for minutes
	_, paid := c.pay("BANK-1")
	limit := payment.Idem{Caller: "operator:test", Key: "guarantee-1"}
	if _, _, err := c.cfg.Payments.SetGuarantee(t.Context(), limit, ownBIC, money.FromTiyn(1_100_000)); err != nil {
		t.Fatal(err)
	}
	c.refusedOrder(t, "BANK-2", "AM04")
	c.refusedOrder(t, "BANK-3", "reason of a new kind")
	for _, req := range []payment.BankQueryRequest{
		{Bank: ownBIC, Person: c.citizen.IIN(), Kind: "account-ownership", Account: someAccount, Reason: "a claim before a court"},
		{Kind: "payment-fact", Order: paid.ID, Reason: "a claim before a court"},
		{Bank: ownBIC, Person: c.citizen.IIN(), Kind: "pledge", PropertyKind: "movable", PropertyNumber: "A-1", Reason: "a claim before a court"},
	} {
		if req.Kind == "pledge" {
			if err := c.bank.AddFault(fault.Fault{Kind: stand.FaultDropNotDone, On: stand.OnQueries}); err != nil {
				t.Fatal(err)
			}
		}
		c.send(c.agencyKey, "/v1/bank-queries", req).fine(t, 201)
	}
	c.statement(c.bankKey, camt(1, "2026-03-02", 0, 900, "")).fine(t, 200)
	c.grant(auth.Operator, "aigul", auth.Editor, c.head)
	c.grant(auth.Bank, ownBIC, auth.Editor, c.head)
	c.grant(auth.Bank, ownBIC, auth.Editor, c.employee)
	operator := c.browser()
	operator.enter(c.head)
	id := in[payment.ExceptionPage](t, c.get(c.operatorKey, "/v1/exceptions?kind=surplus"), 200).Items[0].ID
	operator.attach("/console/operator/aigul/exceptions/"+id, map[string]string{"key": newID(), "version": "1", "action": "ask", "comment": "Кім жіберді? / Кто отправил?", "answer_by": "2026-12-09"}, "сұрақ.txt", []byte("q")).want(t, 303)
	words := map[string][7]string{
		"kk": {"Қазынаға берешек", "шотта ақша жеткіліксіз", "банк жүйесі жауап бермеді", "Үзінді көшірмелер", "Қайтарып алуды ұсыну", "жауабыңыз күтілуде", "Сіздің жауабыңыз"},
		"ru": {"Долг перед казной", "на счёте недостаточно денег", "система банка не ответила", "Выписки", "Предложить отзыв", "ждёт вашего ответа", "Ваш ответ"},
		"en": {"What is owed to the treasury", "there is not enough money in the account", "the bank's system did not answer", "Statements", "Propose to withdraw it", "waits for your answer", "Your answer"},
	}
	const base = "/console/bank/" + ownBIC
	for lang, say := range words {
		for _, width := range []int64{360, 1280} {
			c.layer.Behave(ncalayer.Signs, c.signs(c.employee))
			v := c.visit(t, fmt.Sprintf("bank cabinet %s %d", lang, width), width)
			if (width == 360) == (lang != "ru") {
				v.dark(true)
			}
			v.open("/?lang=" + lang)
			v.enters()
			for i, path := range []string{"", "/payments?day=" + today, "/queries", "/statements"} {
				v.open(base + path)
				v.lookedAt(fmt.Sprintf("%d", i+1), say[i])
			}
			v.click("tbody a")
			v.lookedAt("5-statement", say[4])
			v.open(base + "/exceptions")
			v.lookedAt("6-exceptions", say[5])
			v.click("tbody a")
			v.lookedAt("7-exception", say[6])
			v.open(base + "/questions")
			v.lookedAt("8-questions", say[6])
			v.open(base + "/payments")
			v.printed("9-payments")
			v.clean()
		}
	}
	t.Run("two people", func(t *testing.T) { c.twoWithdraw(t, base) })
}

// twoWithdraw: one person proposes, the other finds that a second person is needed and does it.
func (c *chromium) twoWithdraw(t *testing.T, base string) {
	t.Helper()
	first := c.enteredBy(t, c.head, "bank first", "en", 360)
	first.open(base + "/statements")
	first.click("tbody a")
	first.run(chromedp.SendKeys("#comment", "the wrong month", chromedp.ByQuery))
	first.click("button[value=propose]")
	first.lookedAt("1-proposed", "It is written down")
	second := c.enteredBy(t, c.employee, "bank second", "en", 1280)
	second.open(base + "/statements")
	second.lookedAt("1-waits", "waits for a second person")
	second.click("tbody a")
	second.lookedAt("2-second", "You are the second person")
	second.click("button[value=approve]")
	second.lookedAt("3-withdrawn", "It is written down")
}
