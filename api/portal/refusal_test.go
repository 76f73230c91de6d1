package portal

import (
	"html"
	"strings"
	"testing"

	"qaqpa/api/language"
	"qaqpa/payment/order"
)

// Each reason that a bank may give has words in each language; one that nobody knows has words, too, and is nowhere taken for markup.
func TestRefusalsHaveWords(t *testing.T) {
	p := pages(t)
	for _, l := range language.All() {
		w := p.frame(Frame{Lang: l}, "order").words
		other := w.refused("something new <b>")
		if other.Code != "something new <b>" || strings.Contains(other.Text, "refusal.") {
			t.Errorf("%s: %+v", l, other)
		}
		for code, id := range refusalWords() {
			for _, written := range []string{code, strings.ToUpper(code), " " + code} {
				if got := w.refused(written); got == nil || got.Text == other.Text || strings.Contains(got.Text, "refusal."+id) || strings.Contains(got.Text, code) {
					t.Errorf("%s: no words for %s: %+v", l, written, got)
				}
			}
		}
		if w.refused("") != nil {
			t.Error("words for nothing")
		}
		for reason, id := range map[string]string{"insufficient_funds": "funds", "AM04": "funds", "XX99 <script>": "other"} {
			o := orderOf(Frame{Lang: l}, order.Refused)
			o.Order.Reason = reason
			page, err := p.RenderOrder(o)
			if err != nil {
				t.Fatal(err)
			}
			text := html.UnescapeString(string(page))
			before, after, told := strings.Cut(text, w.P("refusal."+id))
			if !told || strings.Contains(before, reason) || !strings.Contains(after, "<code>"+reason+"</code>") || strings.Contains(string(page), "<script>") {
				t.Errorf("%s %s: not told in words with its code behind them:\n%s", l, reason, text)
			}
		}
	}
}
