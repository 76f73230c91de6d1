package statement

// opened begins what a block gathers.
func (r *iso) opened(f field) error {
	line := r.xml.Line()
	switch f { //nolint:exhaustive // blocks alone come here
	case blockStatement:
		if err := r.begin(line); err != nil {
			return err
		}
		r.header.MessageID, r.header.CreatedAt = r.message.MessageID, r.message.CreatedAt
		r.header.Page, r.header.LastPage = r.message.Page, r.message.Page == 0 || r.message.LastPage
	case blockBalance:
		if r.told {
			// The schema has balances first; one behind the entries would come too late for whoever was told the header.
			return r.at(ErrStructure, "a balance behind the entries")
		}
		r.balanceNow, r.balanceSet = Balance{Line: line}, 0
	case blockEntry:
		if err := r.beginEntry(line); err != nil {
			return err
		}
		r.entry.Status = 0
	case fieldBatch:
		r.entry.Batch.Present = true
	case blockDetail:
		return r.openDetail(line)
	case blockGroup:
		r.groupBytes.b = r.groupBytes.b[:0]
		r.group = Detail{}
		r.detail, r.values = &r.group, &r.groupBytes
		r.groupCheck = groupCheck{line: line, declared: -1}
	case blockOrder:
		return r.openOrder(line)
	case blockGroupStatus, blockInfoStatus, blockStatus:
		return r.openStatus(f, line)
	}
	return nil
}

func (r *iso) openDetail(line int) error {
	d, err := r.beginDetail(line)
	r.detail, r.values = d, &r.detailBytes
	return err
}

// openOrder begins an order with what its group says for all.
func (r *iso) openOrder(line int) error {
	if err := r.beginEntry(line); err != nil {
		return err
	}
	if err := r.openDetail(line); err != nil {
		return err
	}
	d := r.detail
	d.Debtor, d.UltimateDebtor, d.Creditor, d.UltimateCreditor = r.group.Debtor, r.group.UltimateDebtor, r.group.Creditor, r.group.UltimateCreditor
	d.PaymentInfoID, d.MessageID = r.group.PaymentInfoID, r.messageID
	r.entry.Direction = Credit
	r.entry.ValueDate = r.groupCheck.requested
	return nil
}

// openStatus begins the status of a message, of a group, or of one order. The status of a group is told before those of its orders,
// and only if there is one.
func (r *iso) openStatus(f field, line int) error {
	if err := r.endStatus(); err != nil {
		return err
	}
	if f == blockInfoStatus {
		r.group.PaymentInfoID = nil
	}
	if err := r.beginEntry(line); err != nil {
		return err
	}
	if err := r.openDetail(line); err != nil {
		return err
	}
	r.entry.Direction = Credit
	r.entry.Batch.Present = f != blockStatus
	r.detail.MessageID = r.group.MessageID
	if f == blockStatus {
		r.detail.PaymentInfoID = r.group.PaymentInfoID
	}
	return nil
}

func (r *iso) endStatus() error {
	if !r.inEntry {
		return nil
	}
	d := r.detail
	if r.entry.Batch.Present {
		r.group.MessageID = r.groupBytes.keep(d.MessageID)
		r.group.PaymentInfoID = r.groupBytes.keep(d.PaymentInfoID)
		if len(r.groupBytes.b) > detailBytesMax {
			r.groupBytes.b = nil // only the last of each is needed
		}
		if len(d.Status) == 0 {
			r.inEntry = false
			return nil
		}
	}
	if len(d.Status) == 0 {
		return r.at(ErrStructure, "an order without a status")
	}
	return r.endEntry()
}

// closed ends what a block gathered, and asks for the parts that must be there.
func (r *iso) closed(f field) error {
	switch f { //nolint:exhaustive // blocks alone come here
	case blockStatement:
		if r.header.Account.ID == "" {
			return r.at(ErrStructure, "no account")
		}
		return r.end(r.xml.Line())
	case blockBalance:
		if r.balanceSet != 3 || r.balanceNow.Type == "" {
			return r.at(ErrStructure, "a balance needs type, amount and direction")
		}
		if r.balanceSide == Debit {
			r.balanceNow.Amount.Tiyn = -r.balanceNow.Amount.Tiyn
		}
		return r.balance(r.balanceNow)
	case blockEntry, blockOrder:
		return r.closeEntry(f)
	case blockDetail:
		return r.closeDetail()
	case blockGroup:
		r.closeGroup()
	case blockGroupStatus, blockInfoStatus, blockStatus:
		return r.endStatus()
	}
	return nil
}

func (r *iso) closeEntry(f field) error {
	e := &r.entry
	switch {
	case e.Amount.Currency == "":
		return r.at(ErrStructure, "an entry without Amt")
	case e.Direction == 0:
		return r.at(ErrStructure, "an entry without CdtDbtInd")
	case e.Status == 0:
		return r.at(ErrStructure, "an entry without Sts")
	}
	if f == blockOrder {
		r.groupCheck.count++
		if !addTo(&r.groupCheck.sum, e.Amount.Tiyn) {
			return r.overflow()
		}
		return r.closeOrder()
	}
	return r.endEntry()
}

func (r *iso) closeOrder() error {
	if err := r.closeDetail(); err != nil {
		return err
	}
	return r.endEntry()
}

// closeDetail bounds what one transaction may hold: values that repeat could make it grow without end.
func (r *iso) closeDetail() error {
	d := r.detail
	if len(r.detailBytes.b) > detailBytesMax || len(d.CreditorRefs) > repeatsMax || len(d.OtherRefs) > repeatsMax {
		return r.at(ErrLimit, "a transaction is too large")
	}
	return nil
}

// closeGroup holds the declared number and sum of a group of orders against those that it has.
func (r *iso) closeGroup() {
	g := &r.groupCheck
	if r.totals.batches.Result == Failed {
		return
	}
	if g.declared >= 0 || g.hasSum {
		r.totals.batches.Result = Passed
	}
	if (g.declared >= 0 && g.declared != g.count) || (g.hasSum && g.declaredSum != g.sum) {
		r.totals.batches = Check{Result: Failed, Line: g.line, Want: countAndSum(g.declared, g.declaredSum), Got: countAndSum(g.count, g.sum)}
	}
}
