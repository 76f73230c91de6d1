package register

import (
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"qaqpa/payment/money"
)

// document grows by elements and is given to w in pieces. The first error of w stays.
type document struct {
	w    io.Writer
	b    []byte
	open []string
	err  error
}

const pieceBytes = 64 << 10

func newDocument(w io.Writer, namespace string) *document {
	d := &document{w: w}
	d.b = append(d.b, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:`...)
	d.b = append(d.b, namespace...)
	d.b = append(d.b, `">`...)
	d.open = append(d.open, "Document")
	return d
}

// begin opens elements; end closes as many.
func (d *document) begin(names ...string) {
	for _, n := range names {
		d.b = append(append(append(d.b, '<'), n...), '>')
		d.open = append(d.open, n)
	}
}

func (d *document) end(n int) {
	for range n {
		last := len(d.open) - 1
		d.b = append(append(append(d.b, '<', '/'), d.open[last]...), '>')
		d.open = d.open[:last]
	}
	if len(d.b) > pieceBytes {
		d.flush()
	}
}

func (d *document) flush() {
	if d.err == nil {
		_, d.err = d.w.Write(d.b)
	}
	d.b = d.b[:0]
}

// close closes everything and returns the first error of w.
func (d *document) close() error {
	d.end(len(d.open))
	d.b = append(d.b, '\n')
	d.flush()
	return d.err
}

// put writes an element with a text, below others that are opened and closed with it: "FinInstnId/BICFI". An empty text writes nothing.
func (d *document) put(path, text string) {
	if text == "" {
		return
	}
	names := strings.Split(path, "/")
	d.begin(names...)
	d.text(text)
	d.end(len(names))
}

func (d *document) text(s string) {
	for i := range len(s) {
		switch s[i] {
		case '<':
			d.b = append(d.b, "&lt;"...)
		case '>':
			d.b = append(d.b, "&gt;"...)
		case '&':
			d.b = append(d.b, "&amp;"...)
		default:
			d.b = append(d.b, s[i])
		}
	}
}

func (d *document) money(name string, a money.Amount) {
	d.b = append(append(append(d.b, '<'), name...), ` Ccy="`...)
	d.b = append(append(d.b, a.Currency...), `">`...)
	d.b = append(d.b, a.Decimal()...)
	d.b = append(append(append(d.b, '<', '/'), name...), '>')
}

// at is an instant with the offset of Almaty, as banks write times.
func (d *document) at(name string, t time.Time) {
	d.put(name, t.In(time.FixedZone("", 5*60*60)).Format("2006-01-02T15:04:05-07:00"))
}

// party writes name and number (PartyIdentification135).
func (d *document) party(role string, p *Party) {
	d.begin(role)
	d.put("Nm", p.Name)
	if p.ID != "" {
		kind, scheme := "PrvtId", "IIN"
		if p.Organisation {
			kind, scheme = "OrgId", "BIN"
		}
		d.begin("Id", kind, "Othr")
		d.put("Id", p.ID)
		d.put("SchmeNm/Prtry", scheme)
		d.end(3)
	}
	d.end(1)
}

func (d *document) account(role, number string) { d.put(role+"/Id/IBAN", number) }
func (d *document) agent(role, bic string)      { d.put(role+"/FinInstnId/BICFI", bic) }

// tail writes what ends an order in both messages, in the order of their schemas. A purpose is cut into lines of 140 characters.
func (d *document) tail(p *Payment) {
	d.put("Purp/Prtry", p.KNP)
	d.put("Tax/Rcrd/CtgyDtls", p.KBK)
	if p.Purpose == "" {
		return
	}
	d.begin("RmtInf")
	parts, ok := lines(p.Purpose, nameMax)
	if !ok && d.err == nil {
		d.err = &PaymentError{ID: p.ID, Text: "a word of its purpose is longer than a line"}
	}
	for _, line := range parts {
		d.put("Ustrd", line)
	}
	d.end(1)
}

// lines parts a text at spaces into lines of at most max characters, false if a word is longer: a reader that joins lines by a space has
// the text again.
func lines(s string, most int) ([]string, bool) {
	var out []string
	for utf8.RuneCountInString(s) > most {
		space, runes := -1, 0
		for i, r := range s {
			if r == ' ' && i > 0 {
				space = i
			}
			if runes++; runes > most {
				break
			}
		}
		if space < 0 {
			return nil, false
		}
		out, s = append(out, s[:space]), s[space+1:]
	}
	return append(out, s), true
}

// writePain001 writes pain.001.001.09: a group for each payer's account in a row.
func writePain001(w io.Writer, r *Register, sum money.Amount) error {
	d := newDocument(w, "pain.001.001.09")
	d.begin("CstmrCdtTrfInitn", "GrpHdr")
	d.put("MsgId", r.ID)
	d.at("CreDtTm", r.CreatedAt)
	d.put("NbOfTxs", strconv.Itoa(len(r.Payments)))
	d.put("CtrlSum", sum.Decimal())
	d.begin("InitgPty")
	d.put("Nm", r.Sender)
	d.end(2)
	for from, group := 0, 1; from < len(r.Payments); group++ {
		to := from + 1
		for to < len(r.Payments) && r.Payments[to].Payer == r.Payments[from].Payer && r.Payments[to].Day == r.Payments[from].Day {
			to++
		}
		if err := d.group(r, group, r.Payments[from:to]); err != nil {
			return err
		}
		from = to
	}
	return d.close()
}

func (d *document) group(r *Register, number int, payments []Payment) error {
	part := Register{Payments: payments}
	sum, err := part.Sum()
	if err != nil {
		return err
	}
	p := &payments[0]
	d.begin("PmtInf")
	id := r.ID // a bank that books the group as one sum names it
	if suffix := "-" + strconv.Itoa(number); number > 1 && len(id)+len(suffix) <= idMax {
		id += suffix
	}
	d.put("PmtInfId", id)
	d.put("PmtMtd", "TRF")
	d.put("BtchBookg", "false")
	d.put("NbOfTxs", strconv.Itoa(len(payments)))
	d.put("CtrlSum", sum.Decimal())
	d.put("PmtTpInf/InstrPrty", "NORM")
	d.put("ReqdExctnDt/Dt", string(p.Day))
	d.party("Dbtr", &p.Payer)
	d.account("DbtrAcct", p.Payer.Account)
	d.agent("DbtrAgt", p.Payer.BIC)
	for i := range payments {
		p := &payments[i]
		d.begin("CdtTrfTxInf", "PmtId")
		d.put("InstrId", p.ID)
		d.put("EndToEndId", p.ID)
		d.end(1)
		d.begin("Amt")
		d.money("InstdAmt", p.Amount)
		d.end(1)
		if p.For != nil {
			d.party("UltmtDbtr", p.For)
		}
		d.beneficiary(p)
		d.tail(p)
		d.end(1)
	}
	d.end(1)
	return d.err
}

func (d *document) beneficiary(p *Payment) {
	d.agent("CdtrAgt", p.Beneficiary.BIC)
	d.party("Cdtr", &p.Beneficiary)
	d.account("CdtrAcct", p.Beneficiary.Account)
}

// writePacs008 writes pacs.008.001.08 for clearing.
func writePacs008(w io.Writer, r *Register, sum money.Amount) error {
	d := newDocument(w, "pacs.008.001.08")
	d.begin("FIToFICstmrCdtTrf", "GrpHdr")
	d.put("MsgId", r.ID)
	d.at("CreDtTm", r.CreatedAt)
	d.put("NbOfTxs", strconv.Itoa(len(r.Payments)))
	d.money("TtlIntrBkSttlmAmt", sum)
	d.put("IntrBkSttlmDt", string(r.Day))
	d.put("SttlmInf/SttlmMtd", "CLRG")
	d.end(1)
	for i := range r.Payments {
		p := &r.Payments[i]
		d.begin("CdtTrfTxInf", "PmtId")
		d.put("InstrId", p.ID)
		d.put("EndToEndId", p.ID)
		d.end(1)
		d.money("IntrBkSttlmAmt", p.Amount)
		d.put("ChrgBr", "SLEV")
		if p.For != nil {
			d.party("UltmtDbtr", p.For)
		}
		d.party("Dbtr", &p.Payer)
		d.account("DbtrAcct", p.Payer.Account)
		d.agent("DbtrAgt", p.Payer.BIC)
		d.beneficiary(p)
		d.tail(p)
		d.end(1)
	}
	return d.close()
}
