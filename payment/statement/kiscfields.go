package statement

import (
	"bytes"

	"qaqpa/payment/money"
)

// at returns the transaction that a field belongs to, and where its values are kept: the order, or what is common to a packet.
func (r *kisc) at() (*Detail, *arena) {
	if r.inEntry {
		return &r.details[0], &r.detailBytes
	}
	return &r.common, &r.commonBytes
}

// endField reads the field that is complete.
func (r *kisc) endField() error {
	if r.tag == "" {
		return nil
	}
	first := bytes.TrimSpace(r.subs[0].value)
	d, a := r.at()
	switch r.tag {
	case "20":
		r.header.ID, r.header.MessageID = string(first), string(first)
		if r.inEntry {
			r.header.ID, r.header.MessageID = "", ""
			r.entry.Ref = r.entryBytes.keep(first)
			d.EndToEndID = a.keep(first)
		}
	case "21":
		if err := r.endOrder(); err != nil {
			return err
		}
		if err := r.beginOrder(); err != nil {
			return err
		}
		r.entry.Line, r.details[0].Line = r.tagLine, r.tagLine
		r.entry.Ref = r.entryBytes.keep(first)
		r.details[0].EndToEndID = r.detailBytes.keep(first)
	case "32A":
		return r.dated(first)
	case "32B":
		return r.undated(first)
	case "50":
		r.party(&d.Debtor, a)
	case "59":
		r.party(&d.Creditor, a)
	case "52B", "52A":
		d.Debtor.BIC = a.keep(first)
	case "57B", "57A":
		d.Creditor.BIC = a.keep(first)
	case "70":
		return r.purpose(d, a)
	}
	return nil
}

// dated reads :32A:, the amount of an MT100 or the total of an MT102, whose value date comes behind all its orders.
func (r *kisc) dated(v []byte) error {
	if len(v) < 9 {
		return r.fault(ErrValue, quote(v))
	}
	day, ok := shortDate(v[:6])
	if !ok {
		return r.fault(ErrValue, quote(v))
	}
	amount, ok := r.codeAndSum(v[6:])
	if !ok {
		return r.fault(ErrValue, quote(v))
	}
	if r.summary.Format == MT100 {
		r.entry.Amount, r.entry.ValueDate = amount, day
		return nil
	}
	if err := r.endOrder(); err != nil {
		return err
	}
	r.total, r.hasTotal = amount, true
	r.trailer.ValueDate = day
	return nil
}

func (r *kisc) undated(v []byte) error {
	amount, ok := r.codeAndSum(v)
	if !ok || !r.inEntry {
		return r.fault(ErrValue, quote(v))
	}
	r.entry.Amount = amount
	return nil
}

func (r *kisc) codeAndSum(v []byte) (money.Amount, bool) {
	if len(v) < 4 {
		return money.Amount{}, false
	}
	code, isCode := r.codes.intern(v[:3])
	sum, isSum := decimal(v[3:], ',')
	return money.Amount{Tiyn: sum, Currency: code}, isCode && isSum
}

// party reads :50: and :59:: the account, perhaps behind /D/, then subfields.
func (r *kisc) party(p *Party, a *arena) {
	var residency, sector []byte
	for _, s := range r.subs {
		v := bytes.TrimSpace(s.value)
		switch s.name {
		case "", "D":
			if len(v) > 0 {
				p.Account = a.keep(v)
			}
		case "NAME":
			p.Name = a.keep(v)
		case "IDN":
			p.ID = a.keep(v)
		case "RNN":
			if len(p.ID) == 0 {
				p.ID, p.Scheme = a.keep(v), a.keep([]byte("RNN"))
			}
		case "CHIEF":
			p.Chief = a.keep(v)
		case "MAINBK":
			p.Accountant = a.keep(v)
		case "IRS":
			residency = v
		case "SECO":
			sector = v
		}
	}
	if len(residency) == 1 && len(sector) == 1 {
		p.Code = a.keep([]byte{residency[0], sector[0]})
	}
}

// purpose reads :70:. A name and number in it are those of the person for whom is paid.
func (r *kisc) purpose(d *Detail, a *arena) error {
	for _, s := range r.subs {
		v := bytes.TrimSpace(s.value)
		switch s.name {
		case "NUM":
			d.DocumentNumber = a.keep(v)
		case "DATE":
			day, ok := shortDate(v)
			if !ok {
				return r.fault(ErrValue, "/DATE/"+quote(v))
			}
			d.DocumentDate = day
			if !r.inEntry {
				r.commonDate = day
				r.header.From, r.header.To = day, day
			}
		case "KNP":
			if string(v) != "000" {
				d.KNP = a.keep(v)
			}
		case "BCLASS":
			d.KBK = a.keep(v)
		case "PERIOD":
			d.TaxPeriod = a.keep(v)
		case "ASSIGN":
			d.Remittance = a.keep(v)
		case "NAME":
			d.UltimateDebtor.Name = a.keep(v)
		case "FM", "NM", "FT":
			d.UltimateDebtor.Name = a.join(d.UltimateDebtor.Name, ' ', v)
		case "IDN":
			d.UltimateDebtor.ID = a.keep(v)
		case "LA":
			d.UltimateDebtor.Account = a.keep(v)
		}
	}
	return nil
}
