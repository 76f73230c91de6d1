package daily

import (
	"strings"
	"time"

	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
	"qaqpa/payment/recon"
)

// Sum counts and sums in tiyn.
type Sum struct {
	Count int64
	Tiyn  int64
}

// Report is one bank's day.
type Report struct {
	Issuer         string
	Bank, BankName string
	Day            catalog.Date
	MadeAt         time.Time
	Accounts       []Account
	// Lines are movements of the day's statements, Matched those of them that are matched.
	Lines, Matched Sum
	// Rules say by which rule; Kinds and Ages are of exceptions that are open, of any day.
	Rules []Row
	Kinds []Row
	Ages  [len(ageBounds) + 1]Sum
	// Confirmed is what the bank confirmed for the day, Settled what of it statements have shown, Owed what it owes in all.
	Confirmed, Settled, Owed Sum
	// Charged is what the bank took of payers for the payments of the day beside their amounts, Billed what agencies owe it for them.
	Charged, Billed Sum
	// Trend is the share of matched lines in per mille by day, the oldest first.
	Trend []Point
}

// Account is what the day's statements say of one account, in tiyn.
type Account struct {
	Number                          string
	Opening, Credit, Debit, Closing int64
	Lines                           int64
}

// Row is a named sum: a rule, or a kind of exception.
type Row struct {
	Name string
	Sum
}

// Point is a day of the trend.
type Point struct {
	Day   catalog.Date
	Share int
}

// ageBounds are the last days of the buckets of age; the last bucket has no end.
var ageBounds = [...]int{1, 3, 7, 30}

// ageNames are the buckets, in days.
var ageNames = [...]string{"0–1", "2–3", "4–7", "8–30", "> 30"}

// AddAge counts an open exception of so many days.
func (r *Report) AddAge(days int, s Sum) {
	at := 0
	for at < len(ageBounds) && days > ageBounds[at] {
		at++
	}
	r.Ages[at].Count += s.Count
	r.Ages[at].Tiyn += s.Tiyn
}

// names are a thing in Kazakh and in Russian.
type names struct{ kk, ru string }

func (n names) both() string { return n.kk + " · " + n.ru }

// kindNames are the kinds of exceptions.
var kindNames = map[recon.Kind]names{
	recon.Surplus:         {"Артық түсім", "Лишнее поступление"},
	recon.Missing:         {"Түспеген төлем", "Не поступило"},
	recon.Ambiguous:       {"Бірмәнді емес", "Неоднозначно"},
	recon.Doubled:         {"Қайталанған", "Дважды"},
	recon.Over:            {"Артық сома", "Сумма больше"},
	recon.Under:           {"Кем сома", "Сумма меньше"},
	recon.Data:            {"Деректемелер өзге", "Другие реквизиты"},
	recon.Reversal:        {"Кері қайтару", "Сторно"},
	recon.Withdrawal:      {"Күтпеген шығыс", "Неожиданное списание"},
	recon.ForeignCurrency: {"Шетел валютасы", "Иностранная валюта"},
	recon.Gap:             {"Көшірмелердің үзілуі", "Разрыв выписок"},
}

func kindName(kind string) string {
	if n, ok := kindNames[recon.Kind(kind)]; ok {
		return n.both()
	}
	return kind
}

// tenge renders tiyn for people: groups of three and a comma.
func tenge(tiyn int64) string {
	decimal := money.FromTiyn(tiyn).Decimal()
	whole, part := decimal[:len(decimal)-3], decimal[len(decimal)-2:]
	var out strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 && whole[i-1] != '-' {
			out.WriteRune('\u00a0')
		}
		out.WriteRune(digit)
	}
	return out.String() + "," + part
}

// share is part of whole in per mille; all of nothing.
func share(part, whole int64) int {
	if whole == 0 {
		return 1000
	}
	return int(part * 1000 / whole)
}

// commissions are the rows that tell of them; none where the bank took nothing.
func (r *Report) commissions() []Row {
	var rows []Row
	for _, row := range []Row{
		{Name: "Төлеушілерден алынған комиссия · Комиссия с плательщиков", Sum: r.Charged},
		{Name: "Мемлекеттік органдар төлейтін комиссия · Комиссия за счёт органов", Sum: r.Billed},
	} {
		if row.Count > 0 {
			rows = append(rows, row)
		}
	}
	return rows
}
