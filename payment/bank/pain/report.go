package pain

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"qaqpa/payment/money"
	"qaqpa/payment/statement/xmlpull"
)

// ErrReport says that bytes are not a pain.002 that can be believed.
var ErrReport = errors.New("not a payment status report")

// Limits of a report.
const (
	// ReportMax is the size of the largest report, in bytes.
	ReportMax  = 4 << 20
	entriesMax = 4 * PaymentsMax
	reasonsMax = 8
	textMax    = 140
)

// Report is a pain.002.
type Report struct {
	// MsgID is the report's own name, MadeAt its time in UTC.
	MsgID  string
	MadeAt time.Time
	// Original is the MsgId of the file that it answers.
	Original string
	// Status of the whole file and its reasons; empty when it is not told.
	Status  Status
	Reasons []Reason
	// Payments are those that are told apart.
	Payments []Told
}

// Status is a code of ExternalPaymentTransactionStatus.
type Status string

// Reason is why.
type Reason struct {
	// Code of ExternalStatusReason, or the bank's own.
	Code string
	// Text is the bank's, perhaps empty.
	Text string
}

// Told is what is said of one PmtInf.
type Told struct {
	ID      string
	Status  Status
	Reasons []Reason
	Credits []ToldCredit
}

// ToldCredit is what is said of one transaction.
type ToldCredit struct {
	Instruction, EndToEnd string
	Status                Status
	Reasons               []Reason
	// Amount is the one that the bank repeats; nil when it does not.
	Amount *money.Amount
	// AcceptedAt in UTC; zero when it is not told. Reference is the bank's (AcctSvcrRef).
	AcceptedAt time.Time
	Reference  string
}

// ParseReport reads a pain.002. Elements that it does not know are passed over; one that comes twice where the schema has one is
// refused, since two readers could choose differently. Errors wrap [ErrReport].
func ParseReport(src []byte) (Report, error) {
	if len(src) > ReportMax {
		return Report{}, fmt.Errorf("%w: more than %d bytes", ErrReport, ReportMax)
	}
	p := &parser{Reader: xmlpull.New(bytes.NewReader(src), xmlpull.Limits{Depth: 32, TokenBytes: 64 << 10})}
	var report Report
	err := p.document(&report)
	switch {
	case err != nil:
		return Report{}, fmt.Errorf("%w: %w", ErrReport, err)
	case !name(report.Original):
		return Report{}, fmt.Errorf("%w: OrgnlMsgId %q is none of ours", ErrReport, report.Original)
	case report.MsgID == "" || report.MadeAt.IsZero():
		return Report{}, fmt.Errorf("%w: MsgId or CreDtTm is missing", ErrReport)
	}
	return report, nil
}

// parser walks down the elements of one namespace.
type parser struct {
	*xmlpull.Reader
	space   int
	entries int
}

const spacePrefix = "urn:iso:std:iso:20022:tech:xsd:pain.002.001."

func (p *parser) document(report *Report) error {
	kind, err := p.Next()
	if err != nil {
		return err
	}
	if kind != xmlpull.Start || string(p.Local()) != "Document" || !strings.HasPrefix(p.Space(), spacePrefix) {
		return errors.New("the root is not a Document of pain.002")
	}
	p.space = p.SpaceID()
	if err := p.each(map[string]func() error{"CstmrPmtStsRpt": func() error { return p.report(report) }}); err != nil {
		return err
	}
	if kind, err := p.Next(); err != nil || kind != xmlpull.EOF {
		return errors.Join(errors.New("something follows the document"), err)
	}
	return nil
}

func (p *parser) report(r *Report) error {
	return p.each(map[string]func() error{
		"GrpHdr": func() error {
			return p.each(map[string]func() error{"MsgId": p.into(&r.MsgID), "CreDtTm": p.at(&r.MadeAt)})
		},
		"OrgnlGrpInfAndSts": func() error {
			return p.each(map[string]func() error{"OrgnlMsgId": p.into(&r.Original), "GrpSts": p.status(&r.Status), "*StsRsnInf": p.reason(&r.Reasons)})
		},
		"*OrgnlPmtInfAndSts": func() error {
			if err := p.count(); err != nil {
				return err
			}
			var told Told
			err := p.payment(&told)
			r.Payments = append(r.Payments, told)
			return err
		},
	})
}

func (p *parser) payment(told *Told) error {
	return p.each(map[string]func() error{
		"OrgnlPmtInfId": p.into(&told.ID), "PmtInfSts": p.status(&told.Status), "*StsRsnInf": p.reason(&told.Reasons),
		"*TxInfAndSts": func() error {
			if err := p.count(); err != nil {
				return err
			}
			var c ToldCredit
			err := p.each(map[string]func() error{
				"OrgnlInstrId": p.into(&c.Instruction), "OrgnlEndToEndId": p.into(&c.EndToEnd), "TxSts": p.status(&c.Status),
				"*StsRsnInf": p.reason(&c.Reasons), "AccptncDtTm": p.at(&c.AcceptedAt), "AcctSvcrRef": p.into(&c.Reference),
				"OrgnlTxRef": func() error {
					return p.each(map[string]func() error{"Amt": func() error {
						return p.each(map[string]func() error{"InstdAmt": p.amount(&c.Amount)})
					}})
				},
			})
			told.Credits = append(told.Credits, c)
			return err
		},
	})
}

// count bounds what a report may tell.
func (p *parser) count() error {
	if p.entries++; p.entries > entriesMax {
		return fmt.Errorf("more than %d payments and transactions", entriesMax)
	}
	return nil
}

// each calls a function for each child that it knows, by its local name in the namespace of the document; a name with a star may come
// more than once.
func (p *parser) each(known map[string]func() error) error {
	depth := p.Depth()
	seen := map[string]bool{}
	for {
		kind, err := p.Next()
		switch {
		case err != nil:
			return err
		case kind == xmlpull.End && p.Depth() < depth:
			return nil
		case kind == xmlpull.Text:
			return errors.New("text where elements are expected")
		case kind == xmlpull.EOF:
			return errors.New("the document ends too early")
		case kind != xmlpull.Start:
			continue
		}
		local := string(p.Local())
		take, many := known["*"+local], true
		if take == nil {
			take, many = known[local], false
		}
		switch {
		case take == nil || p.SpaceID() != p.space:
			err = p.Skip()
		case seen[local] && !many:
			err = fmt.Errorf("%s comes twice", local)
		default:
			seen[local] = true
			err = take()
		}
		if err != nil {
			return err
		}
	}
}

// into takes the text of an element.
func (p *parser) into(field *string) func() error {
	return func() error {
		raw, err := p.ReadText()
		if err != nil {
			return err
		}
		text := strings.TrimSpace(string(raw))
		if len(text) > textMax || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return errors.New("a text is too long or unprintable")
		}
		*field = text
		return nil
	}
}

func (p *parser) status(field *Status) func() error {
	return func() error {
		var text string
		if err := p.into(&text)(); err != nil {
			return err
		}
		*field = Status(text)
		return nil
	}
}

// at takes a time; one without a zone is of Kazakhstan.
func (p *parser) at(field *time.Time) func() error {
	return func() error {
		var text string
		if err := p.into(&text)(); err != nil {
			return err
		}
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			at, err = time.ParseInLocation("2006-01-02T15:04:05.999999999", text, time.FixedZone("Asia/Almaty", 5*60*60))
		}
		if err != nil || at.Year() < 2000 || at.Year() > 9998 {
			return fmt.Errorf("%q is no time", text)
		}
		*field = at.UTC().Truncate(time.Microsecond)
		return nil
	}
}

// amount takes an amount with its currency. Fractions of a tiyn are refused.
func (p *parser) amount(field **money.Amount) func() error {
	return func() error {
		currency, _ := p.Attr("Ccy")
		a := money.Amount{Currency: money.Currency(string(currency))}
		var text string
		if err := p.into(&text)(); err != nil {
			return err
		}
		whole, fraction, _ := strings.Cut(text, ".")
		if len(fraction) > 2 { // up to five decimals are legal when they are zeros
			if strings.Trim(fraction[2:], "0") != "" {
				return fmt.Errorf("%q has fractions of a tiyn", text)
			}
			text = whole + "." + fraction[:2]
		}
		parsed, err := money.ParseDecimal(text)
		if err != nil {
			return fmt.Errorf("couldn't read an amount: %w", err)
		}
		a.Tiyn = parsed.Tiyn
		*field = &a
		return nil
	}
}

// reason takes a StsRsnInf: a code, or the bank's own, and perhaps words.
func (p *parser) reason(list *[]Reason) func() error {
	return func() error {
		var r Reason
		var own, text string
		err := p.each(map[string]func() error{
			"Rsn": func() error {
				return p.each(map[string]func() error{"Cd": p.into(&r.Code), "Prtry": p.into(&own)})
			},
			"*AddtlInf": func() error {
				err := p.into(&text)()
				r.Text = strings.TrimSpace(r.Text + " " + text)
				return err
			},
		})
		if err != nil {
			return err
		}
		if r.Code == "" {
			r.Code = own
		}
		if len(r.Text) > 3*textMax || len(*list) >= reasonsMax {
			return errors.New("too many reasons")
		}
		*list = append(*list, r)
		return nil
	}
}
