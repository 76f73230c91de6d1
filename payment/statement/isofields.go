package statement

import (
	"fmt"

	"qaqpa/payment/money"
)

func countAndSum(count, sum int64) string {
	return fmt.Sprintf("%d × %s", count, money.FromTiyn(sum).Decimal())
}

// set takes one value. Fields are ordered by what they belong to.
func (r *iso) set(f field, v []byte) error {
	if len(v) == 0 && !isMoney(f) {
		return nil
	}
	switch {
	case f >= fieldParty:
		r.setParty(f-fieldParty, v)
		return nil
	case f >= fieldGroupID:
		return r.setGroup(f, v)
	case f >= fieldEndToEnd:
		return r.setDetail(f, v)
	case f >= fieldRef:
		return r.setEntry(f, v)
	case f >= fieldBalanceType:
		return r.setBalance(f, v)
	case f >= fieldCount:
		return r.setDeclared(f, v)
	default:
		return r.setHeader(f, v)
	}
}

// setHeader takes values of the message and of the statement: the message's come before any statement is open.
func (r *iso) setHeader(f field, v []byte) error {
	h := &r.header
	if !r.open {
		h = &r.message
	}
	ok := true
	switch f { //nolint:exhaustive // the fields of headers
	case fieldMessageID:
		h.MessageID = string(v)
		r.messageID = []byte(h.MessageID)
	case fieldStatementID:
		h.ID = string(v)
	case fieldCreated:
		h.CreatedAt, ok = isoTime(v)
	case fieldPage:
		h.Page = number(v)
		ok = h.Page >= 0
	case fieldLastPage:
		h.LastPage = string(v) == "true" || string(v) == "1"
	case fieldNumber:
		h.Number, ok = count64(v)
	case fieldLegal:
		h.Legal, ok = count64(v)
	case fieldFrom:
		h.From, ok = isoDate(v)
	case fieldTo:
		h.To, ok = isoDate(v)
	case fieldCopy:
		h.Copy = string(v)
	case fieldAccount:
		h.Account.ID = string(v)
	case fieldAccountCurrency:
		h.Account.Currency, ok = r.codes.intern(v)
	case fieldOwner:
		h.Account.Owner = string(v)
	case fieldServicer:
		h.Account.ServicerBIC = string(v)
	}
	return r.valued(ok, v)
}

func (r *iso) valued(ok bool, v []byte) error {
	if !ok {
		return r.at(ErrValue, quote(v))
	}
	return nil
}

// count64 reads up to 18 digits (Number of ISO 20022).
func count64(v []byte) (int64, bool) {
	if len(v) == 0 || len(v) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range v {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

func (r *iso) setDeclared(f field, v []byte) error {
	d := &r.header.Declared
	ok := true
	sum := func(to *money.Amount) {
		if to.Tiyn, ok = decimal(v, '.'); ok {
			to.Currency = money.KZT // the schema tells none; the sum is compared as a number
		}
	}
	switch f { //nolint:exhaustive // the declared fields
	case fieldCount:
		d.Count, ok = count64(v)
	case fieldSum:
		d.Sum, ok = decimal(v, '.')
		d.HasSum = ok
	case fieldTotal:
		d.Sum, ok = decimal(v, '.')
		d.HasSum = ok
	case fieldCreditCount:
		d.CreditCount, ok = count64(v)
	case fieldDebitCount:
		d.DebitCount, ok = count64(v)
	case fieldCreditSum:
		sum(&d.Credit)
	case fieldDebitSum:
		sum(&d.Debit)
	case fieldSettlementDate:
		r.groupCheck.requested, ok = isoDate(v)
	case fieldInitiator:
		r.header.Account.Owner = string(v)
	}
	return r.valued(ok, v)
}

func (r *iso) setBalance(f field, v []byte) error {
	b := &r.balanceNow
	ok := true
	switch f { //nolint:exhaustive // the fields of balances
	case fieldBalanceType:
		b.Type = string(v)
	case fieldBalanceAmount:
		var n int64
		n, ok = decimal(v, '.')
		b.Amount = money.Amount{Tiyn: n, Currency: r.currency}
		r.balanceSet |= 1
	case fieldBalanceDirection:
		r.balanceSide, ok = direction(v)
		r.balanceSet |= 2
	case fieldBalanceDate:
		b.Date, ok = isoDate(v)
	}
	return r.valued(ok, v)
}

func direction(v []byte) (Direction, bool) {
	switch string(v) {
	case "CRDT":
		return Credit, true
	case "DBIT":
		return Debit, true
	}
	return 0, false
}

// amount reads a value whose currency stood in its tag.
func (r *iso) amount(v []byte) (money.Amount, bool) {
	n, ok := decimal(v, '.')
	return money.Amount{Tiyn: n, Currency: r.currency}, ok
}

func (r *iso) setEntry(f field, v []byte) error {
	e := &r.entry
	ok := true
	switch f { //nolint:exhaustive // the fields of entries
	case fieldRef:
		e.Ref = r.entryBytes.keep(v)
	case fieldAmount:
		e.Amount, ok = r.amount(v)
	case fieldDirection:
		e.Direction, ok = direction(v)
	case fieldReversal:
		e.Reversal = string(v) == "true" || string(v) == "1"
		ok = e.Reversal || string(v) == "false" || string(v) == "0"
	case fieldStatus:
		e.Status, ok = status(v)
	case fieldBookDate:
		e.BookDate, ok = isoDate(v)
	case fieldValueDate:
		e.ValueDate, ok = isoDate(v)
	case fieldEntryBankRef:
		e.BankRef = r.entryBytes.keep(v)
	case fieldCode:
		e.Code = r.entryBytes.join(e.Code, '/', v)
	case fieldBankCode:
		e.BankCode = r.entryBytes.keep(v)
	case fieldInfo:
		e.Info = r.entryBytes.keep(v)
	case fieldBatchMessage:
		e.Batch.MessageID = r.entryBytes.keep(v)
	case fieldBatchInfo:
		e.Batch.PaymentInfoID = r.entryBytes.keep(v)
	case fieldBatchCount:
		e.Batch.Count, ok = count64(v)
	case fieldBatchTotal:
		e.Batch.Total, ok = r.amount(v)
	}
	return r.valued(ok, v)
}

func status(v []byte) (Status, bool) {
	switch string(v) {
	case "BOOK":
		return StatusBooked, true
	case "PDNG":
		return StatusPending, true
	case "INFO":
		return StatusInfo, true
	case "FUTR":
		return StatusFuture, true
	}
	return 0, false
}

func (r *iso) setDetail(f field, v []byte) error {
	d, a := r.detail, r.values
	ok := true
	switch f { //nolint:exhaustive // the fields of transactions that are not plain texts
	case fieldOtherRef:
		d.OtherRefs = append(d.OtherRefs, a.keep(v))
	case fieldCreditorRef:
		d.CreditorRefs = append(d.CreditorRefs, a.keep(v))
	case fieldTxAmount:
		d.Amount, ok = r.amount(v)
	case fieldTxAmountOld:
		if d.Amount.Currency == "" {
			d.Amount, ok = r.amount(v)
		}
	case fieldInstructed:
		d.Instructed, ok = r.amount(v)
	case fieldTxDirection:
		d.Direction, ok = direction(v)
	case fieldRemittance:
		d.Remittance = a.join(d.Remittance, ' ', v)
	case fieldReasonText:
		d.ReasonText = a.join(d.ReasonText, ' ', v)
	default:
		if to := d.text(f); to != nil && len(*to) == 0 {
			*to = a.keep(v)
		}
	}
	if len(a.b) > detailBytesMax {
		return r.at(ErrLimit, "a transaction is too large")
	}
	return r.valued(ok, v)
}

// text returns the plain text that a field is.
func (d *Detail) text(f field) *[]byte {
	switch f { //nolint:exhaustive // the plain texts of a transaction
	case fieldEndToEnd:
		return &d.EndToEndID
	case fieldInstruction:
		return &d.InstructionID
	case fieldTransaction:
		return &d.TransactionID
	case fieldUETR:
		return &d.UETR
	case fieldBankRef:
		return &d.BankRef
	case fieldClearingRef:
		return &d.ClearingRef
	case fieldTxMessage:
		return &d.MessageID
	case fieldTxInfo:
		return &d.PaymentInfoID
	case fieldMandate:
		return &d.MandateID
	case fieldCheque:
		return &d.ChequeNumber
	case fieldPurpose:
		return &d.Purpose
	case fieldKNP:
		return &d.KNP
	case fieldKBK:
		return &d.KBK
	case fieldUIP:
		return &d.UIP
	case fieldPeriod:
		return &d.TaxPeriod
	case fieldDebtorCode:
		return &d.Debtor.Code
	case fieldCreditorCode:
		return &d.Creditor.Code
	case fieldReason:
		return &d.Reason
	case fieldTxStatus:
		return &d.Status
	}
	return nil
}

// setParty takes a value of a party. Of several numbers of one party the first is kept.
func (r *iso) setParty(f field, v []byte) {
	d := r.detail
	parties := [...]*Party{&d.Debtor, &d.Creditor, &d.UltimateDebtor, &d.UltimateCreditor}
	p := parties[f/partyParts]
	texts := [...]*[]byte{&p.Name, &p.ID, &p.Scheme, &p.Account, &p.BIC, &p.BankName, &p.Country}
	if to := texts[f%partyParts]; len(*to) == 0 {
		*to = r.values.keep(v)
	}
}

func (r *iso) setGroup(f field, v []byte) error {
	g := &r.groupCheck
	ok := true
	switch f { //nolint:exhaustive // the fields of groups
	case fieldGroupID:
		r.group.PaymentInfoID = r.groupBytes.keep(v)
	case fieldGroupCount:
		g.declared, ok = count64(v)
	case fieldGroupSum:
		g.declaredSum, ok = decimal(v, '.')
		g.hasSum = ok
	case fieldGroupDate:
		g.requested, ok = isoDate(v)
	}
	return r.valued(ok, v)
}
