package register

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"qaqpa/payment/catalog"
	"qaqpa/payment/money"
	"qaqpa/payment/statement"
)

// encoded turns the text of one payment into the charset of a file.
func encoded(c statement.Charset, p *Payment, text string) ([]byte, error) {
	b, ok := statement.Encode(c, text)
	if !ok {
		return nil, &PaymentError{ID: p.ID, Text: "a character that " + string(c) + " lacks"}
	}
	return b, nil
}

func short(d catalog.Date) string { return strings.ReplaceAll(string(d)[2:], "-", "") }

// dotted is DD.MM.YYYY.
func dotted(d catalog.Date) string { return string(d)[8:] + "." + string(d)[5:7] + "." + string(d)[:4] }

func comma(a money.Amount) string { return strings.Replace(a.Decimal(), ".", ",", 1) }

// writeMT102 writes packets of the КЦМР: one for each pair of banks in a row, split by number and sum as the clearing asks.
func writeMT102(w io.Writer, r *Register, o Options) error {
	charset := o.Charset
	if charset == "" {
		charset = statement.KZ1048
	}
	for from, number := 0, 1; from < len(r.Payments); number++ {
		n, sum := packet(r.Payments[from:], o)
		part := *r
		part.Payments = r.Payments[from : from+n]
		b, err := part.packet102(number, sum, charset)
		if err != nil {
			return err
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
		from += n
	}
	return nil
}

// packet returns how many payments go into the next packet, and their sum. One that is above the limit goes alone.
func packet(payments []Payment, o Options) (int, money.Amount) {
	n, sum := 1, payments[0].Amount
	for n < len(payments) && n < o.PacketMax {
		p := &payments[n]
		more, err := sum.Plus(p.Amount)
		if err != nil || more.Tiyn > o.PacketTiynMax || p.Payer.BIC != payments[0].Payer.BIC || p.Beneficiary.BIC != payments[0].Beneficiary.BIC || p.Day != payments[0].Day {
			break
		}
		n, sum = n+1, more
	}
	return n, sum
}

// packet102 renders one message.
func (r *Register) packet102(number int, sum money.Amount, charset statement.Charset) ([]byte, error) {
	first := &r.Payments[0]
	var b bytes.Buffer
	fmt.Fprintf(&b, "{1:F01K059140000000%09d}\r\n{2:I102SCLEAR000000U3003}\r\n{4:\r\n:20:F%s-%04d%04d\r\n", number, short(r.Day), r.Number%10000, number%10000)
	fmt.Fprintf(&b, ":52B:%s\r\n:57B:%s\r\n:70:\r\n/DATE/%s\r\n/SEND/07\r\n/PSO/01\r\n/PRT/05\r\n", first.Payer.BIC, first.Beneficiary.BIC, short(first.Day))
	for i := range r.Payments {
		p := &r.Payments[i]
		var text strings.Builder
		fmt.Fprintf(&text, ":21:%s\r\n:32B:%s%s\r\n:50:/D/%s\r\n", p.ID, p.Amount.Currency, comma(p.Amount), p.Payer.Account)
		subfields(&text, &p.Payer)
		fmt.Fprintf(&text, ":59:%s\r\n", p.Beneficiary.Account)
		subfields(&text, &p.Beneficiary)
		fmt.Fprintf(&text, ":70:/NUM/%d\r\n/VO/01\r\n/KNP/%s\r\n", i+1, orZeros(p.KNP))
		if p.For != nil {
			fmt.Fprintf(&text, "/NAME/%s\r\n/IDN/%s\r\n", upper(p.For.Name), p.For.ID)
		}
		if p.KBK != "" {
			fmt.Fprintf(&text, "/BCLASS/%s\r\n", p.KBK)
		}
		if err := assign(&text, p); err != nil {
			return nil, err
		}
		raw, err := encoded(charset, p, text.String())
		if err != nil {
			return nil, err
		}
		b.Write(raw)
	}
	fmt.Fprintf(&b, ":32A:%s%s%s\r\n-}\r\n", short(first.Day), sum.Currency, comma(sum))
	return b.Bytes(), nil
}

func orZeros(knp string) string {
	if knp == "" {
		return "000"
	}
	return knp
}

// upper is the case of the messages of the КЦМР.
func upper(s string) string { return strings.ToUpper(s) }

func subfields(b *strings.Builder, p *Party) {
	fmt.Fprintf(b, "/NAME/%s\r\n", upper(p.Name))
	if p.ID != "" {
		fmt.Fprintf(b, "/IDN/%s\r\n", p.ID)
	}
	if len(p.Code) == 2 {
		fmt.Fprintf(b, "/IRS/%s\r\n/SECO/%s\r\n", p.Code[:1], p.Code[1:])
	}
}

// assignMax is the length of a purpose in the messages of the КЦМР: 62 characters and five lines of 70.
const assignMax = 412

// assign writes the purpose in full lines, which readers join as they are. A line may not begin with what a reader takes for a mark
// (attack: a purpose whose second line begins a field).
func assign(b *strings.Builder, p *Payment) error {
	rest := []rune(upper(p.Purpose))
	if len(rest) > assignMax {
		return &PaymentError{ID: p.ID, Text: "its purpose is longer than 412 characters"}
	}
	for first := true; len(rest) > 0; first = false {
		n := min(70, len(rest))
		if first {
			n = min(62, len(rest))
			b.WriteString("/ASSIGN/")
		} else if mark.MatchString(string(rest[:n])) {
			return &PaymentError{ID: p.ID, Text: "a line of its purpose begins with a mark of the format"}
		}
		b.WriteString(string(rest[:n]) + "\r\n")
		rest = rest[n:]
	}
	return nil
}

// mark is what begins a field, a subfield, a block or the end of a message.
var mark = regexp.MustCompile(`^(:[0-9]{2}[A-Z]?:|/[A-Z]{1,8}/|-\}|\{)`)

// writeOneC writes 1CClientBankExchange: what came in on the beneficiary's account, one beneficiary a file.
func writeOneC(w io.Writer, r *Register, sum money.Amount, o Options) error {
	account := r.Payments[0].Beneficiary.Account
	name := map[statement.Charset]string{"": "UTF-8", statement.Windows1251: "Windows", statement.KZ1048: "Windows", statement.CP866: "DOS"}[o.Charset]
	if name == "" {
		return fmt.Errorf("couldn't write 1C in %q: %w", string(o.Charset), ErrInvalid)
	}
	if o.Charset == "" {
		if _, err := io.WriteString(w, "\xef\xbb\xbf"); err != nil {
			return err
		}
	}
	head := lines1C("1CClientBankExchange", "ВерсияФормата", "2.0", "Кодировка", name, "Отправитель", r.Sender, "ДатаСоздания", dotted(catalog.DateOf(r.CreatedAt)),
		"ВремяСоздания", r.CreatedAt.In(catalog.Almaty()).Format("15:04:05"), "ДатаНачала", dotted(r.Day), "ДатаКонца", dotted(r.Day), "РасчСчет", account) +
		lines1C("СекцияРасчСчет", "ДатаНачала", dotted(r.Day), "ДатаКонца", dotted(r.Day), "РасчСчет", account, "ВсегоПоступило", sum.Decimal(), "ВсегоСписано", "0.00") +
		"КонецРасчСчет\r\n"
	if err := write1C(w, o.Charset, &Payment{ID: r.ID}, head); err != nil {
		return err
	}
	for i := range r.Payments {
		p := &r.Payments[i]
		if p.Beneficiary.Account != account {
			return &PaymentError{ID: p.ID, Text: "a 1C file is about one account"}
		}
		text := lines1C("СекцияДокумент=Выписка", "ВидДокумента", "ПлатежноеПоручение", "ДатаОперации", dotted(p.Day), "СуммаПриход", p.Amount.Decimal(), "НомерДокумента", p.ID, "ДатаДокумента", dotted(p.Day)) +
			party1C("Плательщик", &p.Payer) + party1C("Получатель", &p.Beneficiary)
		if p.For != nil {
			text += lines1C("", "ФактическийПлательщикНаименование", p.For.Name, "ФактическийПлательщикБИН_ИИН", p.For.ID)
		}
		text += lines1C("", "НазначениеПлатежа", p.Purpose, "КодНазначенияПлатежа", p.KNP, "КодБК", p.KBK, "УИП", p.UIP, "Референс", p.BankRef, "ДатаВалютирования", dotted(p.Day),
			"Сумма", p.Amount.Decimal(), "Валюта", string(p.Amount.Currency)) + "КонецДокумента\r\n"
		if err := write1C(w, o.Charset, p, text); err != nil {
			return err
		}
	}
	return write1C(w, o.Charset, &Payment{ID: r.ID}, "КонецФайла\r\n")
}

func write1C(w io.Writer, c statement.Charset, p *Payment, text string) error {
	raw, err := encoded(c, p, text)
	if err != nil {
		return err
	}
	_, err = w.Write(raw)
	return err
}

// lines1C writes a line, then keys and values by turns; an empty value leaves its key out.
func lines1C(first string, pairs ...string) string {
	var b strings.Builder
	if first != "" {
		b.WriteString(first + "\r\n")
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			b.WriteString(pairs[i] + "=" + pairs[i+1] + "\r\n")
		}
	}
	return b.String()
}

func party1C(role string, p *Party) string {
	return lines1C("", role+"Наименование", p.Name, role+"БИН_ИИН", p.ID, role+"КБЕ", p.Code, role+"ИИК", p.Account, role+"БанкБИК", p.BIC)
}

// columns of tables, the same in CSV and XLSX.
var columns = []string{
	"number", "id", "day", "amount", "currency", "kbk", "knp", "uip", "payer_name", "payer_id", "payer_account", "payer_bic", "for_name", "for_id",
	"payee_name", "payee_id", "payee_account", "payee_bic", "bank_ref", "purpose", "back",
}

// amountColumn is where the amount stands in them.
const amountColumn = 3

// chargedColumns follow them where a bank took a commission for one of the payments.
var chargedColumns = []string{"commission", "agency_commission"}

// charged reports whether a bank took, or gave back, a commission for one of the payments.
func (r *Register) charged() bool {
	has := func(p Payment) bool { return p.Commission != 0 || p.AgencyCommission != 0 }
	return slices.ContainsFunc(r.Payments, has) || slices.ContainsFunc(r.Refunds, has)
}

// header are the columns of the table.
func (r *Register) header() []string {
	if r.charged() {
		return slices.Concat(columns, chargedColumns)
	}
	return columns
}

func (p *Payment) row(number int) []string {
	other := Party{}
	if p.For != nil {
		other = *p.For
	}
	return []string{
		strconv.Itoa(number), p.ID, string(p.Day), p.Amount.Decimal(), string(p.Amount.Currency), p.KBK, p.KNP, p.UIP, p.Payer.Name, p.Payer.ID, p.Payer.Account, p.Payer.BIC,
		other.Name, other.ID, p.Beneficiary.Name, p.Beneficiary.ID, p.Beneficiary.Account, p.Beneficiary.BIC, p.BankRef, p.Purpose, p.Back,
	}
}
