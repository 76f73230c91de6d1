package api

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"qaqpa/api/auth"
)

// A bank's official hands a statement in, an operator asks about what does not fit, and the bank answers, without a script of ours.
func TestBrowserReconciliation(t *testing.T) {
	c := endToEnd(t)
	c.registersAccount()
	c.grant(auth.Bank, ownBIC, auth.Editor, c.head)
	c.grant(auth.Operator, "aigul", auth.Editor, c.head)
	const bank, queue = "/console/bank/" + ownBIC, "/console/operator/aigul/exceptions"
	words := []struct {
		lang      string
		width     int64
		say       [4]string
		statement int
		refused   string
	}{
		{"kk", 360, [4]string{"Файл қабылданды", "Күтілмеген түсім", "банктен сұралды", "Жауап жіберілді"}, 1, "Мән орнына сай емес"},
		{"ru", 1280, [4]string{"Файл принят", "Неожиданное поступление", "задан вопрос банку", "Ответ отправлен"}, 2, "Значение не такое"},
		{"en", 360, [4]string{"The file is taken in", "Money that nobody expects", "the bank is asked", "The answer is sent"}, 3, "A value is not what its place asks for"},
	}
	for _, x := range words {
		v := c.enteredBy(t, c.head, "reconciliation", x.lang, x.width)
		file := filepath.Join(t.TempDir(), "statement.xml")
		if err := os.WriteFile(file, camt(x.statement, fmt.Sprintf("2026-03-%02d", x.statement+1), int64(x.statement-1)*900, 900, ""), 0o600); err != nil {
			t.Fatal(err)
		}
		step := func(name, say string) {
			v.sees(say)
			v.accessible(name)
			v.fits()
			v.shot(name)
		}
		v.open(bank + "/statements")
		broken := filepath.Join(t.TempDir(), "broken.xml")
		spoilt := strings.Replace(string(camt(x.statement, "2026-03-30", 0, 900, "")), "<BookgDt><Dt>2026-03-30", "<BookgDt><Dt>30 наурыз", 1)
		if err := os.WriteFile(broken, []byte(spoilt), 0o600); err != nil {
			t.Fatal(err)
		}
		v.run(chromedp.SetUploadFiles(`input[type=file]`, []string{broken}, chromedp.ByQuery))
		v.click(`form[action$="/statements"] button`)
		v.sees("30 наурыз")
		v.click("details.technical summary")
		step("refused", x.refused)
		v.open(bank + "/statements")
		v.run(chromedp.SetUploadFiles(`input[type=file]`, []string{file}, chromedp.ByQuery))
		v.click(`form[action$="/statements"] button`)
		step("statement", x.say[0])
		v.open(queue + "?state=open")
		step("queue", x.say[1])
		v.click("tbody a")
		v.run(chromedp.SendKeys("#comment", "Кім жіберді?", chromedp.ByQuery))
		v.click(`button[value=ask]`)
		step("asked", x.say[2])
		v.open(bank + "/questions")
		step("question", "Кім жіберді?")
		v.run(chromedp.SendKeys("#comment-0", "Клиент қателесті", chromedp.ByQuery))
		v.click(`form[action$="/questions"] button`)
		step("answered", x.say[3])
		v.clean()
	}
}
