package api

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"qaqpa/payment"
	"qaqpa/payment/refund"
)

// An official finds a payment and asks for a part of it back, is told in words that he asked for more than there is, and cannot agree to it himself;
// his colleague does, and the agency sees that the bank gave it back: in each language, on phones and on a desk.
func TestBrowserAsksForRefund(t *testing.T) {
	c := endToEnd(t)
	c.twoEditors()
	words := map[string][4]string{
		"kk": {"Төлемнен қалғаннан артық", "Сұрауыңыз сақталды", "екінші адамды күтуде", "қайтарылды"},
		"ru": {"Больше, чем осталось", "Ваш запрос сохранён", "ждёт второго человека", "возвращён"},
		"en": {"More than is left", "Your request was stored", "waits for a second person", "paid back"},
	}
	base := "/console/agency/" + c.agencyID
	for i, lang := range []string{"kk", "ru", "en"} {
		say, width := words[lang], []int64{360, 1280, 360}[i]
		_, o := c.pay(fmt.Sprintf("BACK-%d", i))
		v := c.enteredBy(t, c.head, "refund", lang, width)
		v.open(base + "/refund")
		v.looked("1-find")
		v.types("#payment", o.ID)
		v.click(`form[method=get] button`)
		v.run(chromedp.WaitVisible("#kind-0", chromedp.ByQuery))
		v.looked("2-found")
		v.run(chromedp.SetValue("#reason-0", "paid-twice", chromedp.ByQuery))
		v.types("#sum-0", "5 406,01")
		v.types("#comment-0", "Екі рет төленген")
		v.click(`form[action$="/refund"][method=post] button[type=submit]`)
		v.run(chromedp.WaitVisible(`main [role="alert"]`, chromedp.ByQuery))
		v.sees(say[0])
		v.looked("3-too-much")
		v.run(chromedp.SetValue("#sum-0", "1 000,50", chromedp.ByQuery))
		v.click(`form[action$="/refund"][method=post] button[type=submit]`)
		v.sees(say[1])
		v.sees(say[2])
		v.looked("4-asked")
		v.clean()
		list := must[payment.RefundPage](t)(c.cfg.Payments.Refunds(t.Context(), payment.RefundQuery{Agency: c.agencyID}))
		w := c.enteredBy(t, c.employee, "refund second", lang, width)
		w.open(base + "/refunds")
		w.looked("5-second")
		w.run(chromedp.Evaluate(`(() => { const b = document.querySelector("button[value=approve]"); b.click(); b.click(); })()`, nil))
		w.run(chromedp.WaitNotPresent("button[value=approve]", chromedp.ByQuery))
		if got := c.ended(list.Items[0].ID); got.State != refund.Executed || got.Tiyn != 100050 {
			t.Errorf("%s: ended as %+v", v.name, got)
		}
		w.open(base + "/refund?payment=" + o.ID)
		w.sees(say[3])
		w.looked("6-given-back")
		w.clean()
	}
}
