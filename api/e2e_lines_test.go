package api

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"qaqpa/api/auth"
	"qaqpa/payment"
	"qaqpa/payment/catalog"
)

// An operator looks at what became of the lines of a statement and undoes the match that a rule made, once however often he clicks; the line is
// an exception in his hands then, and the button is gone, also when he goes back to the page that still had it.
func TestBrowserLines(t *testing.T) {
	c := endToEnd(t)
	c.registersAccount()
	c.grant(auth.Operator, "aigul", auth.Editor, c.head)
	words := map[string][5]string{
		"kk": {"ереже сәйкестендірген", "Сәйкестендірудің күшін жою", "Жазылды", "ашық алшақтығы бар", "Мұндай сәйкестік жоқ"},
		"ru": {"сопоставлена правилом", "Отменить сопоставление", "Записано", "есть открытое расхождение", "Такого сопоставления нет"},
		"en": {"matched by a rule", "Undo the match", "It is written down", "has an open exception", "There is no such match"},
	}
	n, opening := 0, int64(0)
	for lang, say := range words {
		for _, width := range []int64{360, 1280} {
			n++
			_, paid := c.pay(fmt.Sprintf("LINES-%d", n))
			file := in[payment.FileReport](t, c.statement(c.bankKey, camtWith(n, fmt.Sprintf("2026-03-%02d", n+1), opening, paid.Tiyn, paid.BankReference, "nobody")), 200)
			opening += 2 * paid.Tiyn
			at := "/console/operator/aigul/statements/" + file.Statements[0].ID
			v := c.enteredBy(t, c.head, "lines", lang, width)
			v.open(at)
			v.click(`a[href$="/lines"]`)
			v.sees(say[0])
			v.sees(say[3])
			v.looked("1-lines")
			v.click("summary")
			v.types("#why-1-0", "Басқа төлем")
			v.looked("2-undo")
			v.run(chromedp.Evaluate(`(() => { const b = document.querySelector("details button"); b.click(); b.click(); })()`, nil))
			v.sees(say[2])
			v.looked("3-exception")
			v.open(at + "/lines")
			v.sees(say[3])
			var left int
			v.run(chromedp.Evaluate(`document.querySelectorAll("details form").length`, &left))
			if left != 0 {
				t.Errorf("%s: %d matches can still be undone", lang, left)
			}
			v.looked("4-after")
			// A page of before: another window, or the back button, whose form comes once more with a key of its own.
			v.run(chromedp.Evaluate(fmt.Sprintf(`(() => { const f = document.createElement("form"); f.method = "post"; f.action = %q;
				for (const [k, x] of Object.entries({key: "stale-key-%d", no: "1", part: "0", comment: "тағы"})) { const i = document.createElement("input"); i.name = k; i.value = x; f.append(i); }
				document.body.append(f); f.submit(); })()`, at+"/lines", n), nil))
			v.sees(say[4])
			v.looked("5-stale")
			v.clean()
		}
	}
}

// An agency's payment of commissions is recorded by one operator and booked by another, in each language, at both widths; more than is owed is
// refused in words, and what was filled in stays.
func TestBrowserCommissions(t *testing.T) {
	c := endToEnd(t)
	c.agencyBears(t, 10_000)
	c.grant(auth.Operator, "aigul", auth.Editor, c.head)
	c.grant(auth.Operator, "bolat", auth.Editor, c.employee)
	words := map[string][4]string{
		"kk": {"Төлем жазылды", "Төлем есепке алынды", "Қарыздан артық", "Мұны сіз жаздыңыз"},
		"ru": {"Платёж записан", "Платёж проведён", "Больше, чем долг", "Это записали вы"},
		"en": {"The payment is recorded", "The payment is booked", "More than is owed", "You recorded this"},
	}
	n := 0
	for lang, say := range words {
		for _, width := range []int64{360, 1280} {
			n++
			c.pay(fmt.Sprintf("COMMISSION-%d", n))
			v := c.enteredBy(t, c.head, "commissions", lang, width)
			v.open("/console/operator/aigul")
			v.click(`a[href$="/commissions"]`)
			v.looked("1-none")
			v.run(chromedp.SetValue("#agency", c.agencyID, chromedp.ByQuery), chromedp.SetValue("#bank", ownBIC, chromedp.ByQuery))
			v.types("#amount", "1000")
			v.run(chromedp.SetValue("#paid_on", string(catalog.DateOf(time.Now())), chromedp.ByQuery))
			v.types("#reference", fmt.Sprintf("ПТ-%d", n))
			v.click(`form.card button`)
			v.sees(say[2])
			v.looked("2-too-much")
			v.run(chromedp.SetValue("#amount", "100", chromedp.ByQuery))
			v.click(`form.card button`)
			v.sees(say[0])
			v.sees(say[3])
			v.looked("3-recorded")
			v.clean()
			w := c.enteredBy(t, c.employee, "commissions second", lang, width)
			w.open("/console/operator/bolat/approvals")
			w.click(`td a[href$="/commissions"]`)
			w.looked("4-second")
			w.run(chromedp.Evaluate(`(() => { const b = document.querySelector("button[value=book]"); b.click(); b.click(); })()`, nil))
			w.sees(say[1])
			w.looked("5-booked")
			w.clean()
		}
	}
}
