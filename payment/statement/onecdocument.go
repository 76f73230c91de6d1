package statement

import (
	"time"

	"qaqpa/payment/money"
)

// oneCField is what a key of a document means.
type oneCField uint8

const (
	oneCUnknown oneCField = iota
	oneCKind
	oneCBooked
	oneCIn
	oneCOut
	oneCNumber
	oneCDated
	oneCPurpose
	oneCKNP
	oneCKBK
	oneCUIP
	oneCPeriod
	oneCValue
	oneCSum
	oneCCurrency
	oneCBankRef
	oneCParty // and on: payer's, then payee's
)

const oneCPartyFields = 6

// oneCKeys are the keys of a document in the form of fold.
var oneCKeys = map[string]oneCField{
	"виддокумента": oneCKind, "датаоперации": oneCBooked, "суммаприход": oneCIn, "суммарасход": oneCOut,
	"номердокумента": oneCNumber, "датадокумента": oneCDated, "назначениеплатежа": oneCPurpose,
	"кодназначенияплатежа": oneCKNP, "кнп": oneCKNP, "кодбк": oneCKBK, "кбк": oneCKBK, "уип": oneCUIP, "датавалютирования": oneCValue,
	"периодплатежа": oneCPeriod, "сумма": oneCSum, "валюта": oneCCurrency, "референс": oneCBankRef,
	"плательщикнаименование": oneCParty, "плательщикбиниин": oneCParty + 1, "плательщиккбе": oneCParty + 2, "плательщикиик": oneCParty + 3,
	"плательщикбанкнаименование": oneCParty + 4, "плательщикбанкбик": oneCParty + 5,
	"получательнаименование": oneCParty + 6, "получательбиниин": oneCParty + 7, "получателькбе": oneCParty + 8, "получательиик": oneCParty + 9,
	"получательбанкнаименование": oneCParty + 10, "получательбанкбик": oneCParty + 11,
}

// oneCExact are the same keys as most files write them, so that nothing has to be folded for them.
var oneCExact = map[string]oneCField{
	"ВидДокумента": oneCKind, "ДатаОперации": oneCBooked, "СуммаПриход": oneCIn, "СуммаРасход": oneCOut,
	"НомерДокумента": oneCNumber, "ДатаДокумента": oneCDated, "НазначениеПлатежа": oneCPurpose, "КодНазначенияПлатежа": oneCKNP,
	"КодБК": oneCKBK, "ДатаВалютирования": oneCValue, "Сумма": oneCSum, "Валюта": oneCCurrency,
	"ПлательщикНаименование": oneCParty, "ПлательщикБИН_ИИН": oneCParty + 1, "ПлательщикКБЕ": oneCParty + 2, "ПлательщикИИК": oneCParty + 3,
	"ПлательщикБанкНаименование": oneCParty + 4, "ПлательщикБанкБИК": oneCParty + 5,
	"ПолучательНаименование": oneCParty + 6, "ПолучательБИН_ИИН": oneCParty + 7, "ПолучательКБЕ": oneCParty + 8, "ПолучательИИК": oneCParty + 9,
	"ПолучательБанкНаименование": oneCParty + 10, "ПолучательБанкБИК": oneCParty + 11,
}

func oneCFieldOf(key []byte) oneCField {
	if f, ok := oneCExact[string(key)]; ok {
		return f
	}
	return oneCKeys[fold(key)]
}

// extrasMax bounds the keys of a document that have no meaning here; they are kept.
const extrasMax = 64

// documentKey takes one value of a document.
func (r *oneC) documentKey(key, value []byte) error {
	e, d := &r.entry, &r.details[0]
	f := oneCFieldOf(key)
	if len(value) == 0 {
		return nil
	}
	ok := true
	switch {
	case f == oneCUnknown:
		if len(d.Extra) >= extrasMax {
			return r.fault(string(key), ErrLimit, "too many keys in a document")
		}
		d.Extra = append(d.Extra, r.detailBytes.join(r.detailBytes.keep(key), '=', value))
	case f >= oneCParty:
		p := &d.Debtor
		if f -= oneCParty; f >= oneCPartyFields {
			p, f = &d.Creditor, f-oneCPartyFields
		}
		texts := [oneCPartyFields]*[]byte{&p.Name, &p.ID, &p.Code, &p.Account, &p.BankName, &p.BIC}
		*texts[f] = r.detailBytes.keep(value)
	case f == oneCPurpose:
		d.Remittance = r.detailBytes.join(d.Remittance, ' ', value)
	case f == oneCNumber:
		d.DocumentNumber = r.detailBytes.keep(value)
		e.Ref = r.entryBytes.keep(value)
	case f == oneCKind:
		e.BankCode = r.entryBytes.keep(value)
	case f == oneCBankRef:
		e.BankRef = r.entryBytes.keep(value)
	case f == oneCKNP:
		d.KNP = r.detailBytes.keep(value)
	case f == oneCKBK:
		d.KBK = r.detailBytes.keep(value)
	case f == oneCUIP:
		d.UIP = r.detailBytes.keep(value)
	case f == oneCPeriod:
		d.TaxPeriod = r.detailBytes.keep(value)
	default:
		ok = r.documentValue(f, value)
	}
	if !ok {
		return r.fault(string(key), ErrValue, quote(value))
	}
	return r.bounded(r.lines.no, string(key))
}

// documentValue takes dates, sums and the currency.
func (r *oneC) documentValue(f oneCField, v []byte) (ok bool) {
	doc := &r.doc
	switch f { //nolint:exhaustive // the others are texts
	case oneCBooked:
		r.entry.BookDate, ok = dottedDate(v)
	case oneCDated:
		r.details[0].DocumentDate, ok = dottedDate(v)
	case oneCValue:
		r.entry.ValueDate, ok = dottedDate(v)
	case oneCIn:
		doc.credit, ok = decimal(v, '.')
		doc.hasIn = true
	case oneCOut:
		doc.debit, ok = decimal(v, '.')
		doc.hasOut = true
	case oneCSum:
		doc.sum, ok = decimal(v, '.')
		doc.hasSum = true
	case oneCCurrency:
		if string(v) == "398" || string(v) == "тенге" {
			doc.currency, ok = money.KZT, true
		} else {
			doc.currency, ok = r.codes.intern(v)
		}
	}
	return ok
}

// dotted renders DD.MM.YYYY.
func (d Date) dotted() []byte {
	y, m, day := d.Year(), d.Month(), d.Day()
	return []byte{digit(day / 10), digit(day), '.', digit(m / 10), digit(m), '.', digit(y / 1000), digit(y / 100), digit(y / 10), digit(y)}
}

// dottedTime reads DD.MM.YYYY and HH:MM:SS of Almaty.
func dottedTime(day, clock []byte) (time.Time, bool) {
	d, ok := dottedDate(day)
	if !ok {
		return time.Time{}, false
	}
	at := d.Time(almaty)
	if clock != nil {
		t, err := time.Parse("15:04:05", string(clock))
		if err != nil {
			return time.Time{}, false
		}
		at = at.Add(time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second)
	}
	return at.UTC(), true
}
