package api

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"qaqpa/payment/catalog"
	"qaqpa/payment/order"
)

// dark asks for the dark colours, or for the light ones again.
func (v *visitor) dark(on bool) {
	v.t.Helper()
	media := emulation.SetEmulatedMedia()
	if on {
		media = media.WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: "dark"}})
	}
	v.run(media)
}

// looked checks a page as it is and in the dark, and keeps pictures of both.
func (v *visitor) looked(step string) {
	v.t.Helper()
	v.accessible(step)
	v.fits()
	v.shot(step)
	v.dark(true)
	v.accessible(step + " dark")
	v.shot(step + "-dark")
	v.dark(false)
}

// A citizen pays a part of a fine, and a fee that nobody has charged, in each language, on a phone and on a desk.
func TestBrowserPaysPartsAndFees(t *testing.T) {
	c := endToEnd(t)
	fee := in[catalog.Service](t, c.send(c.agencyKey, "/v1/services", courtFee()), 201)
	words := map[string][4]string{
		"kk": {"Төлеуге қалғаны", "Төленгені", "Есептеу", "Төлейтін сома"},
		"ru": {"Осталось оплатить", "Уже оплачено", "Рассчитать", "К оплате"},
		"en": {"Left to pay", "Paid already", "Reckon the fee", "You pay"},
	}
	n := 0
	for lang, say := range words {
		for _, width := range []int64{360, 1280} {
			n++
			debtID := c.fined(fmt.Sprintf("PART-%d", n), c.citizen.IIN(), 1_000_000)
			v := c.visit(t, fmt.Sprintf("parts %s %d", lang, width), width)
			v.open("/?lang=" + lang)
			v.enters()
			v.open("/cabinet/debts/" + debtID)
			v.sees(say[0])
			v.looked("1-part")
			v.types("#sum", "4 000,50")
			v.types("#bank", ownBIC)
			v.click(`form[action^="/cabinet/debts/"] button`)
			v.run(chromedp.WaitVisible("#signing", chromedp.ByQuery))
			path := v.path()
			v.click(signButton)
			v.run(chromedp.WaitVisible(`a[href$="receipt.pdf"]`, chromedp.ByQuery))
			if got := c.state(t, path); got != order.Executed {
				t.Errorf("%s: the order is %s", v.name, got)
			}
			v.open("/cabinet/debts/" + debtID)
			v.sees(say[1])
			v.looked("2-rest")
			v.open("/cabinet")
			v.sees(say[1])
			v.looked("3-cabinet")
			v.open("/fees")
			v.looked("4-fees")
			v.run(chromedp.Click(fmt.Sprintf(`a[href="/cabinet/fees/%s"]`, fee.ID), chromedp.ByQuery))
			v.sees(say[2])
			v.looked("5-fee")
			v.types("#claim", "1 000 000")
			v.click(`button[value=reckon]`)
			v.sees(say[3])
			v.looked("6-reckoned")
			v.types("#bank", ownBIC)
			v.click(`button[value=pay]`)
			v.run(chromedp.WaitVisible("#signing", chromedp.ByQuery))
			path = v.path()
			v.click(signButton)
			v.run(chromedp.WaitVisible(`a[href$="receipt.pdf"]`, chromedp.ByQuery))
			if got := c.state(t, path); got != order.Executed {
				t.Errorf("%s: the order is %s", v.name, got)
			}
			v.clean()
		}
	}
	if got := len(c.bank.Movements()); got != 2*n {
		t.Errorf("money moved %d times for %d payments", got, 2*n)
	}
}
