package statement

import "bytes"

// structuredMark returns the byte that parts the fields of a German :86: ("166?00…?20…", or with '>'), 0 for another form.
func structuredMark(v []byte) byte {
	v = bytes.TrimLeft(v, " ")
	if len(v) > 5 && number(v[:3]) >= 0 && (v[3] == '?' || v[3] == '>') && number(v[4:6]) >= 0 {
		return v[3]
	}
	return 0
}

// counterparty is whom the money came from or went to; a reversal has the one of the entry that it takes back.
func (r *mt) counterparty(d *Detail) *Party {
	if (r.entry.Direction == Credit) != r.entry.Reversal {
		return &d.Debtor
	}
	return &d.Creditor
}

// details86 reads the information about an entry: fields ?nn, fields /KEY/value, or free text.
func (r *mt) details86(d *Detail, v []byte) {
	if mark := structuredMark(v); mark != 0 {
		r.numbered(d, bytes.TrimLeft(v, " "), mark)
		return
	}
	if len(v) > 0 && v[0] == '/' {
		r.keyed(d, v)
		return
	}
	d.Remittance = r.detailBytes.keep(v)
}

// numbered reads ?nn fields: 00 the kind of booking, 20 to 29 and 60 to 63 the purpose, 30 bank, 31 account, 32 and 33 name.
func (r *mt) numbered(d *Detail, v []byte, mark byte) {
	p := r.counterparty(d)
	var purpose, more []byte
	for v = v[3:]; len(v) >= 3; {
		code := number(v[1:3])
		v = v[3:]
		end := nextNumbered(v, mark)
		value := v[:end]
		v = v[end:]
		switch {
		case code == 0:
			r.entry.Info = r.entryBytes.join(r.entry.Info, ' ', bytes.TrimSpace(value))
		case code >= 20 && code <= 29:
			purpose = append(purpose, value...)
		case code >= 60 && code <= 63:
			more = append(more, value...)
		case code == 30:
			p.BIC = r.detailBytes.keep(bytes.TrimSpace(value))
		case code == 31, code == 38:
			if code == 38 || len(p.Account) == 0 {
				p.Account = r.detailBytes.keep(bytes.TrimSpace(value))
			}
		case code == 32, code == 33:
			p.Name = r.detailBytes.keep(append(append(make([]byte, 0, len(p.Name)+len(value)), p.Name...), value...))
		}
	}
	p.Name = bytes.TrimSpace(p.Name)
	r.sepa(d, bytes.TrimSpace(purpose))
	r.sepa(d, bytes.TrimSpace(more))
}

// nextNumbered returns where the next field begins: the mark, then two digits.
func nextNumbered(v []byte, mark byte) int {
	for i := 0; i+2 < len(v); i++ {
		if v[i] == mark && number(v[i+1:i+3]) >= 0 {
			return i
		}
	}
	return len(v)
}

// sepa reads the parts that a SEPA purpose is made of, each behind four letters and a plus; a purpose without is free text.
func (r *mt) sepa(d *Detail, v []byte) {
	next := func(v []byte) int {
		for i := 0; i+4 < len(v); i++ {
			if (v[i+4] == '+' && sepaTags[string(v[i:i+4])]) || string(v[i:i+5]) == "MTLG:" {
				return i
			}
		}
		return len(v)
	}
	d.Remittance = r.detailBytes.join(d.Remittance, ' ', bytes.TrimSpace(v[:next(v)]))
	for v = v[next(v):]; len(v) > 0; {
		tag := string(v[:4])
		v = v[5:]
		end := next(v)
		value := bytes.TrimSpace(v[:end])
		v = v[end:]
		switch tag {
		case "EREF":
			d.EndToEndID = r.detailBytes.keep(value)
		case "KREF":
			d.InstructionID = r.detailBytes.keep(value)
		case "MREF":
			d.MandateID = r.detailBytes.keep(value)
		case "SVWZ":
			d.Remittance = r.detailBytes.join(d.Remittance, ' ', value)
		case "MTLG":
			d.ReasonText = r.detailBytes.keep(value)
		case "ABWA":
			d.UltimateDebtor.Name = r.detailBytes.keep(value)
		case "ABWE":
			d.UltimateCreditor.Name = r.detailBytes.keep(value)
		}
	}
}

var sepaTags = map[string]bool{"EREF": true, "KREF": true, "MREF": true, "CRED": true, "DEBT": true, "SVWZ": true, "ABWA": true, "ABWE": true, "IBAN": true, "BIC+": true}

// keys of :86: in the form /KEY/value: those of Dutch banks, and those of the national convention.
var mtKeys = map[string]bool{
	"EREF": true, "PREF": true, "MARF": true, "CSID": true, "TRCD": true, "BENM": true, "ORDP": true, "NAME": true, "ID": true, "ADDR": true,
	"IBAN": true, "BIC": true, "REMI": true, "ISDT": true, "ULTB": true, "ULTD": true, "PURP": true, "RTRN": true,
	"KNP": true, "KBK": true, "IIN": true, "BIN": true, "UIP": true, "KBE": true, "KOD": true,
}

// keyed reads /KEY/value/KEY/value; what stands behind no key is the purpose.
func (r *mt) keyed(d *Detail, v []byte) {
	var free []byte
	for rest, more := v[1:], true; more; {
		var key, value []byte
		key, rest, more = bytes.Cut(rest, []byte{'/'})
		if !mtKeys[string(key)] || !more {
			if key = bytes.TrimSpace(key); len(key) > 0 {
				free = append(append(free, '/'), key...)
			}
			continue
		}
		end := nextSlash(rest, 0)
		// A purpose may have slashes of its own: it goes on to the next key.
		for string(key) == "REMI" && end < len(rest) && !mtKeys[string(rest[end+1:nextSlash(rest, end+1)])] {
			end = nextSlash(rest, end+1)
		}
		if value, more = rest[:end], end < len(rest); more {
			rest = rest[end+1:]
		}
		r.key(d, string(key), bytes.TrimSpace(value))
	}
	if len(free) > 0 {
		d.Remittance = r.detailBytes.join(d.Remittance, '/', free[1:])
	}
}

// nextSlash returns where the next slash is, or the end.
func nextSlash(v []byte, from int) int {
	if i := bytes.IndexByte(v[from:], '/'); i >= 0 {
		return from + i
	}
	return len(v)
}

func (r *mt) key(d *Detail, key string, v []byte) {
	p := r.counterparty(d)
	var to *[]byte
	switch key {
	case "EREF":
		to = &d.EndToEndID
	case "PREF":
		to = &d.InstructionID
	case "MARF":
		to = &d.MandateID
	case "NAME":
		to = &p.Name
	case "IBAN":
		to = &p.Account
	case "BIC":
		to = &p.BIC
	case "PURP":
		to = &d.Purpose
	case "RTRN":
		to = &d.Reason
	case "KNP":
		to = &d.KNP
	case "KBK":
		to = &d.KBK
	case "UIP":
		to = &d.UIP
	case "KBE", "KOD":
		to = &p.Code
	case "ULTB":
		to = &d.UltimateCreditor.Name
	case "ULTD":
		to = &d.UltimateDebtor.Name
	case "IIN", "BIN":
		to = &p.ID
		p.Scheme = r.detailBytes.keep([]byte(key))
	case "ID":
		to = &p.ID
	case "REMI":
		d.Remittance = r.detailBytes.join(d.Remittance, ' ', v)
		return
	default:
		return
	}
	if len(*to) == 0 {
		*to = r.detailBytes.keep(v)
	}
}

// nonSwift reads :NS: of German banks: lines of two digits and text; 01 to 14 are the purpose, 15 and 16 the name, 17 the kind.
func (r *mt) nonSwift(d *Detail) {
	for line := range bytes.SplitSeq(r.value, []byte{'\n'}) {
		if len(line) < 2 {
			continue
		}
		value := bytes.TrimSpace(line[2:])
		switch n := number(line[:2]); {
		case n >= 1 && n <= 14:
			d.Remittance = r.detailBytes.join(d.Remittance, ' ', value)
		case n == 15, n == 16:
			p := r.counterparty(d)
			p.Name = r.detailBytes.join(p.Name, ' ', value)
		case n == 17:
			r.entry.Info = r.entryBytes.join(r.entry.Info, ' ', value)
		}
	}
}
