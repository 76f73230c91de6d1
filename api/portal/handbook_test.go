package portal

import (
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"qaqpa/api/language"
	"qaqpa/payment"
	"qaqpa/payment/inquiry"
)

// The handbook's question about a number is one that the gateway asks, and its answer one that counts; the limits beside them are those that hold.
func TestHandbookAsksByNumber(t *testing.T) {
	p := pages(t)
	for _, lang := range language.All() {
		raw, err := p.RenderHandbook(Frame{Lang: lang, Works: true}, "agency")
		if err != nil {
			t.Fatal(err)
		}
		page := string(raw)
		checkPage(t, "handbook agency "+string(lang), page, lang)
		samples := regexp.MustCompile(`(?s)<pre[^>]*><code>(.*?)</code></pre>`).FindAllStringSubmatch(page, -1)
		if len(samples) != 2 {
			t.Fatalf("%s: %d messages are shown", lang, len(samples))
		}
		var asked inquiry.Question
		if err := json.Unmarshal([]byte(html.UnescapeString(samples[0][1])), &asked); err != nil {
			t.Fatal(err)
		}
		if asked.Type != inquiry.QuestionType || asked.Payer != "" || asked.Reference == "" {
			t.Errorf("%s: the question is %+v", lang, asked)
		}
		at, err := time.Parse(time.RFC3339, asked.At)
		if err != nil {
			t.Fatal(err)
		}
		found, err := inquiry.Parse([]byte(html.UnescapeString(samples[1][1])), asked, at)
		if err != nil || len(found.Items) != 1 {
			t.Errorf("%s: the answer is not taken: %+v %v", lang, found, err)
		}
		for _, limit := range []string{
			fmt.Sprint(inquiry.AsOfAgeMax.Hours()), fmt.Sprint(inquiry.FreshMax.Hours()), fmt.Sprint(inquiry.WaitMin.Milliseconds()),
			fmt.Sprint(inquiry.WaitMax.Seconds()), fmt.Sprint(payment.NumberRunesMax), inquiry.ContentType, "--by-reference",
		} {
			if !regexp.MustCompile(`(^|[^0-9a-z])` + regexp.QuoteMeta(limit) + `([^0-9a-z]|$)`).MatchString(page) {
				t.Errorf("%s: no word of %s", lang, limit)
			}
		}
		_, section, _ := strings.Cut(page, `id="s8"`)
		section, _, _ = strings.Cut(section, "<h3>")
		if n := strings.Count(section, "<p>"); n != 7 {
			t.Errorf("%s: %d paragraphs", lang, n)
		}
	}
}
