package bank

import (
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Codes of pain.002 that a [Desk] uses.
const (
	CodeExecuted = "ACSC"
	CodeRefused  = "RJCT"
	CodePending  = "PDNG"
)

// Desk is the part of a bank that takes files of payment orders (pain.001) and reports about them (pain.002). It does not sign: its
// owner does. A file is taken once under its MsgId; the same again is passed over, another under the same name is refused.
// It is safe for concurrent use.
type Desk struct {
	// BIC of the bank, Now its clock.
	BIC string
	Now func() time.Time

	mu     sync.Mutex
	files  map[string]*deskFile
	serial int
}

type deskFile struct {
	digest   [32]byte
	payments []*deskPayment
}

type deskPayment struct {
	pmtInf
	code, reason, reference string
	at                      time.Time
	moved                   int
}

type pain001 struct {
	XMLName xml.Name `xml:"Document"`
	Root    struct {
		Head struct {
			MsgID  string `xml:"MsgId"`
			Count  int    `xml:"NbOfTxs"`
			Sum    string `xml:"CtrlSum"`
			Sender string `xml:"InitgPty>Id>OrgId>Othr>Id"`
		} `xml:"GrpHdr"`
		Payments []pmtInf `xml:"PmtInf"`
	} `xml:"CstmrCdtTrfInitn"`
}

type pmtInf struct {
	ID      string `xml:"PmtInfId"`
	Count   int    `xml:"NbOfTxs"`
	Sum     string `xml:"CtrlSum"`
	Payer   string `xml:"Dbtr>Id>PrvtId>Othr>Id"`
	Account string `xml:"DbtrAcct>Id>Othr>Id"`
	Agent   string `xml:"DbtrAgt>FinInstnId>BICFI"`
	Credits []struct {
		Instruction string `xml:"PmtId>InstrId"`
		EndToEnd    string `xml:"PmtId>EndToEndId"`
		Amount      struct {
			Value    string `xml:",chardata"`
			Currency string `xml:"Ccy,attr"`
		} `xml:"Amt>InstdAmt"`
		BIC     string `xml:"CdtrAgt>FinInstnId>BICFI"`
		Name    string `xml:"Cdtr>Nm"`
		Account string `xml:"CdtrAcct>Id>IBAN"`
		KNP     string `xml:"Purp>Prtry"`
		KBK     string `xml:"Tax>Rcrd>CtgyDtls"`
	} `xml:"CdtTrfTxInf"`
}

// hundredths reads an amount with two decimals.
func hundredths(text string) (int64, error) {
	var whole, part int64
	if n, err := fmt.Sscanf(text, "%d.%02d", &whole, &part); err != nil || n != 2 || whole < 0 {
		return 0, fmt.Errorf("%q is no amount", text)
	}
	return whole*100 + part, nil
}

// Take takes a file and does with each payment what code says: [CodeExecuted], [CodeRefused] with the reason, or [CodePending].
func (d *Desk) Take(file []byte, code, reason string) error {
	var doc pain001
	if err := xml.Unmarshal(file, &doc); err != nil {
		return fmt.Errorf("couldn't read the file: %w", err)
	}
	if err := d.check(doc); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.files == nil {
		d.files = map[string]*deskFile{}
	}
	name, digest := doc.Root.Head.MsgID, sha256.Sum256(file)
	if known := d.files[name]; known != nil {
		if known.digest != digest {
			return errOther
		}
		return nil
	}
	taken := &deskFile{digest: digest}
	for _, p := range doc.Root.Payments {
		one := &deskPayment{pmtInf: p, code: CodePending}
		d.finish(one, code, reason)
		taken.payments = append(taken.payments, one)
	}
	d.files[name] = taken
	return nil
}

// check holds a file to its own counts and sums.
func (d *Desk) check(doc pain001) error {
	if !strings.HasPrefix(doc.XMLName.Space, "urn:iso:std:iso:20022:tech:xsd:pain.001.001.") {
		return fmt.Errorf("%q is not a pain.001", doc.XMLName.Space)
	}
	var all int64
	count := 0
	for _, p := range doc.Root.Payments {
		var sum int64
		for _, c := range p.Credits {
			tiyn, err := hundredths(c.Amount.Value)
			if err != nil || tiyn <= 0 || c.Amount.Currency != "KZT" {
				return errors.New("a credit has no amount in KZT")
			}
			if c.Account == "" || c.BIC == "" || c.EndToEnd == "" || c.Instruction != p.ID {
				return errors.New("a credit is not whole")
			}
			sum += tiyn
		}
		if said, err := hundredths(p.Sum); err != nil || said != sum || p.Count != len(p.Credits) || sum == 0 {
			return fmt.Errorf("payment %s does not add up", p.ID)
		}
		if p.Agent != d.BIC || len(p.Payer) != 12 || p.Account != p.Payer {
			return fmt.Errorf("payment %s is not for this bank, or has no payer", p.ID)
		}
		all, count = all+sum, count+len(p.Credits)
	}
	head := doc.Root.Head
	if said, err := hundredths(head.Sum); err != nil || said != all || head.Count != count || count == 0 || head.MsgID == "" || len(head.Sender) != 12 {
		return errors.New("the file does not add up")
	}
	return nil
}

// finish ends a pending payment; d.mu is held.
func (d *Desk) finish(p *deskPayment, code, reason string) {
	if p.code != CodePending {
		return
	}
	p.code, p.reason, p.at = code, reason, d.Now()
	if code == CodeExecuted {
		d.serial++
		p.moved++
		p.reference = fmt.Sprintf("FT%06d", d.serial)
	}
}

// Finish ends what is pending under a PmtInfId.
func (d *Desk) Finish(payment, code, reason string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if p, _ := d.find(payment); p != nil {
		d.finish(p, code, reason)
	}
}

// Knows reports whether a file was taken.
func (d *Desk) Knows(file string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.files[file] != nil
}

// FinishAll ends everything that is pending.
func (d *Desk) FinishAll(code string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.files {
		for _, p := range f.payments {
			d.finish(p, code, "")
		}
	}
}

// Payments lists the PmtInfIds that came.
func (d *Desk) Payments() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var ids []string
	for _, f := range d.files {
		for _, p := range f.payments {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// find looks for a payment and its file; d.mu is held.
func (d *Desk) find(payment string) (*deskPayment, string) {
	for name, f := range d.files {
		for _, p := range f.payments {
			if p.ID == payment {
				return p, name
			}
		}
	}
	return nil, ""
}

// FileOf is the MsgId of the file that brought a payment; empty when none has.
func (d *Desk) FileOf(payment string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, name := d.find(payment)
	return name
}

// Moved is how often the money of a payment moved, and how much in tiyn of all payments.
func (d *Desk) Moved(payment string) (times int, all int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.files {
		for _, p := range f.payments {
			if p.ID == payment {
				times += p.moved
			}
			if sum, err := hundredths(p.Sum); err == nil {
				all += sum * int64(p.moved)
			}
		}
	}
	return times, all
}

// Said is what a report says of one credit; a test may change it.
type Said struct {
	File, Payment, EndToEnd, Code, Reason, Amount, Currency, Reference string
	At                                                                 time.Time
}

// Report writes a pain.002 about a file; one that the desk does not have is rejected with NOOR. change, where given, lies.
func (d *Desk) Report(file string, change func(*Said)) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.serial++
	var b strings.Builder
	fmt.Fprintf(&b, `<?xml version="1.0" encoding="UTF-8"?><Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><GrpHdr><MsgId>R%d</MsgId>`+
		`<CreDtTm>%s</CreDtTm></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>%s</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>`,
		d.serial, d.Now().Format(time.RFC3339), file)
	f := d.files[file]
	if f == nil {
		b.WriteString(`<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>NOOR</Cd></Rsn></StsRsnInf></OrgnlGrpInfAndSts></CstmrPmtStsRpt></Document>`)
		return []byte(b.String())
	}
	b.WriteString(`</OrgnlGrpInfAndSts>`)
	for _, p := range f.payments {
		b.WriteString(p.report(file, change))
	}
	b.WriteString(`</CstmrPmtStsRpt></Document>`)
	return []byte(b.String())
}

// report writes what is said of one payment.
func (p *deskPayment) report(file string, change func(*Said)) string {
	var b strings.Builder
	lines := make([]Said, len(p.Credits))
	for i, c := range p.Credits {
		lines[i] = Said{
			File: file, Payment: p.ID, EndToEnd: c.EndToEnd, Code: p.code, Reason: p.reason, Amount: c.Amount.Value, Currency: c.Amount.Currency,
			Reference: p.reference, At: p.at,
		}
		if change != nil {
			change(&lines[i])
		}
	}
	fmt.Fprintf(&b, `<OrgnlPmtInfAndSts><OrgnlPmtInfId>%s</OrgnlPmtInfId>`, lines[0].Payment)
	for _, l := range lines {
		fmt.Fprintf(&b, `<TxInfAndSts><OrgnlInstrId>%s</OrgnlInstrId><OrgnlEndToEndId>%s</OrgnlEndToEndId><TxSts>%s</TxSts>`, l.Payment, l.EndToEnd, l.Code)
		if l.Code == CodeRefused {
			fmt.Fprintf(&b, `<StsRsnInf><Rsn><Cd>%s</Cd></Rsn></StsRsnInf>`, l.Reason)
		}
		if l.Code == CodeExecuted {
			fmt.Fprintf(&b, `<AccptncDtTm>%s</AccptncDtTm><AcctSvcrRef>%s</AcctSvcrRef>`, l.At.Format(time.RFC3339), l.Reference)
		}
		fmt.Fprintf(&b, `<OrgnlTxRef><Amt><InstdAmt Ccy="%s">%s</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>`, l.Currency, l.Amount)
	}
	b.WriteString(`</OrgnlPmtInfAndSts>`)
	return b.String()
}
