package statement

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode"

	"qaqpa/payment/money"
)

const oneCMark = "1CClientBankExchange"

func isOneC(text []byte) bool {
	rest, ok := bytes.CutPrefix(text, []byte(oneCMark))
	return ok && (len(rest) == 0 || rest[0] == '\r' || rest[0] == '\n')
}

// oneC reads 1CClientBankExchange as banks of Kazakhstan write it.
type oneC struct {
	*collector
	lines   *lines
	section oneCSection
	ended   bool
	doc     oneCDocument
}

type oneCSection uint8

const (
	oneCHead oneCSection = iota
	oneCAccount
	oneCDocumentSection
)

// oneCDocument is what of a document decides about its entry.
type oneCDocument struct {
	line          int
	credit, debit int64
	sum           int64
	currency      money.Currency
	// What the document told: СуммаПриход, СуммаРасход, Сумма.
	hasIn, hasOut, hasSum bool
}

// oneCCharset finds the encoding: a byte order mark wins, else the ASCII word behind Кодировка=, which is searched in raw bytes since
// the key itself is in the encoding that it names.
func oneCCharset(head []byte, o Options) (charset Charset, known bool) {
	if bytes.HasPrefix(head, utf8Mark) {
		return "", true
	}
	n := 0
	for line := range bytes.SplitSeq(head, []byte{'\n'}) {
		if n++; n > 20 {
			break
		}
		switch {
		case bytes.HasSuffix(bytes.TrimRight(line, "\r "), []byte("=Windows")):
			if o.Charset == Windows1251 {
				return Windows1251, true
			}
			return KZ1048, true
		case bytes.HasSuffix(bytes.TrimRight(line, "\r "), []byte("=DOS")):
			return CP866, true
		case bytes.HasSuffix(bytes.TrimRight(line, "\r "), []byte("=UTF-8")):
			return "", true
		}
	}
	return o.Charset, false
}

func readOneC(head []byte, src io.Reader, h Handler, o Options) (Summary, error) {
	c := newCollector(h, o, OneC)
	charset, known := oneCCharset(head, o)
	dec, ok := newDecoder(charset)
	if !ok {
		return c.summary, c.fail(0, "", ErrEncoding, "an unknown charset: "+string(charset))
	}
	dec.known = known && charset != ""
	r := &oneC{collector: c, lines: newLines(src, dec)}
	if err := r.begin(1); err != nil {
		return c.summary, err
	}
	r.header.Declared.Credit, r.header.Declared.Debit = money.Amount{}, money.Amount{}
	for {
		line, err := r.lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return c.summary, r.lineFault(r.lines, "", err)
		}
		if err := r.line(bytes.TrimSpace(line)); err != nil {
			return c.summary, err
		}
	}
	return c.summary, r.finish()
}

func (r *oneC) finish() error {
	switch {
	case r.section != oneCHead:
		return r.fault("", ErrStructure, "the file ends within a section")
	case r.header.Account.ID == "":
		return r.fault("РасчСчет", ErrStructure, "no account")
	}
	if !r.ended {
		r.totals.lost = "КонецФайла"
	}
	return r.end(r.lines.no)
}

func (r *oneC) fault(key string, kind error, text string) error {
	return r.fail(r.lines.no, key, kind, text)
}

// fold brings a key to the form in which keys are compared: case and spaces vary from bank to bank.
func fold(key []byte) string {
	return strings.Map(func(c rune) rune {
		if c == ' ' || c == '_' {
			return -1
		}
		return unicode.ToLower(c)
	}, string(key))
}

func (r *oneC) line(line []byte) error {
	if len(line) == 0 || (r.lines.no == 1 && string(line) == oneCMark) {
		return nil
	}
	if r.ended {
		return r.fault("", ErrStructure, "a line behind КонецФайла")
	}
	key, value, has := bytes.Cut(line, []byte{'='})
	key, value = bytes.TrimSpace(key), bytes.TrimSpace(value)
	if !has {
		return r.mark(fold(key))
	}
	if bytes.HasPrefix(key, []byte("Секция")) || bytes.HasPrefix(key, []byte("секция")) {
		if fold(key) != "секциядокумент" || r.section != oneCHead {
			return r.fault(string(key), ErrStructure, "a section out of place")
		}
		return r.document(value)
	}
	switch r.section { //nolint:exhaustive // the head is what is left
	case oneCAccount:
		return r.accountKey(key, value)
	case oneCDocumentSection:
		return r.documentKey(key, value)
	default:
		return r.headKey(key, value)
	}
}

// mark takes lines without '=': the beginnings and ends of sections.
func (r *oneC) mark(mark string) error {
	switch {
	case mark == "секциярасчсчет" && r.section == oneCHead && !r.told:
		r.section = oneCAccount
	case mark == "конецрасчсчет" && r.section == oneCAccount:
		r.section = oneCHead
	case mark == "конецдокумента" && r.section == oneCDocumentSection:
		r.section = oneCHead
		return r.endDocument()
	case mark == "конецфайла" && r.section == oneCHead:
		r.ended = true
	default:
		return r.fault("", ErrStructure, "a line out of place")
	}
	return nil
}

func (r *oneC) headKey(key, value []byte) error {
	h := &r.header
	ok := true
	switch fold(key) {
	case "версияформата":
		h.Version = string(value)
		r.summary.Version = h.Version
	case "отправитель":
		h.MessageID = string(value)
	case "датасоздания":
		h.CreatedAt, ok = dottedTime(value, nil)
	case "времясоздания":
		h.CreatedAt, ok = dottedTime(DateOf(h.CreatedAt.In(almaty)).dotted(), value)
	case "датаначала":
		h.From, ok = dottedDate(value)
	case "датаконца":
		h.To, ok = dottedDate(value)
	case "расчсчет":
		return r.accountID(value)
	}
	if !ok {
		return r.fault(string(key), ErrValue, quote(value))
	}
	return nil
}

// accountID takes the account. A file about several is refused: its documents do not say to which of them they belong.
func (r *oneC) accountID(value []byte) error {
	id := string(bytes.ReplaceAll(value, []byte{' '}, nil))
	if r.header.Account.ID != "" && r.header.Account.ID != id {
		return r.fault("РасчСчет", ErrStructure, "several accounts in one file")
	}
	r.header.Account.ID = id
	return nil
}

// accountKey takes what is said of the account; several sections of one account follow each other in time.
func (r *oneC) accountKey(key, value []byte) error {
	d := &r.header.Declared
	name := fold(key)
	switch name {
	case "расчсчет":
		return r.accountID(value)
	case "начальныйостаток", "конечныйостаток", "всегопоступило", "всегосписано":
	default:
		return nil
	}
	sum, ok := signedDecimal(value, '.')
	if !ok {
		return r.fault(string(key), ErrValue, quote(value))
	}
	amount := money.Amount{Tiyn: sum, Currency: money.KZT}
	switch name {
	case "начальныйостаток":
		if opening, _ := Bounds(r.trailer.Balances); opening != nil {
			return nil
		}
		return r.balance(Balance{Type: "OPBD", Amount: amount, Date: r.header.From, Line: r.lines.no})
	case "конечныйостаток":
		if n := len(r.trailer.Balances); n > 0 && r.trailer.Balances[n-1].Type == "CLBD" {
			r.trailer.Balances[n-1].Amount, r.trailer.Balances[n-1].Line = amount, r.lines.no
			return nil
		}
		return r.balance(Balance{Type: "CLBD", Amount: amount, Date: r.header.To, Line: r.lines.no})
	case "всегопоступило":
		ok = addTo(&d.Credit.Tiyn, sum)
		d.Credit.Currency = money.KZT
	case "всегосписано":
		ok = addTo(&d.Debit.Tiyn, sum)
		d.Debit.Currency = money.KZT
	}
	if !ok {
		return r.fault(string(key), ErrValue, "the sum is too large")
	}
	return nil
}

// document begins a section of a document.
func (r *oneC) document(kind []byte) error {
	r.section = oneCDocumentSection
	r.doc = oneCDocument{line: r.lines.no, currency: money.KZT}
	if err := r.beginEntry(r.lines.no); err != nil {
		return err
	}
	if _, err := r.beginDetail(r.lines.no); err != nil {
		return err
	}
	r.entry.BankCode = r.entryBytes.keep(kind)
	return nil
}

// endDocument completes an entry. Its side is that of СуммаПриход or СуммаРасход, never a guess from the accounts.
func (r *oneC) endDocument() error {
	e, d := &r.entry, &r.doc
	switch {
	case d.hasIn && (!d.hasOut || d.debit == 0):
		e.Direction, e.Amount.Tiyn = Credit, d.credit
	case d.hasOut && (!d.hasIn || d.credit == 0):
		e.Direction, e.Amount.Tiyn = Debit, d.debit
	default:
		return r.fail(d.line, "СекцияДокумент", ErrStructure, "one of СуммаПриход and СуммаРасход is expected")
	}
	e.Amount.Currency = d.currency
	detail := &r.details[0]
	detail.Amount = e.Amount
	if d.hasSum && d.sum != e.Amount.Tiyn {
		detail.Instructed = money.Amount{Tiyn: d.sum, Currency: d.currency}
	}
	if e.ValueDate == 0 {
		e.ValueDate = e.BookDate
	}
	return r.endEntry()
}
