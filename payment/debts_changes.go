package payment

import "qaqpa/payment/debt"

// debtChanges gathers what a batch does to the debts that it found.
type debtChanges struct {
	stored            map[debtKey]debt.Debt
	inserted, updated []debt.Debt
}

func (c *debtChanges) find(payer, reference string) *debt.Debt {
	if d, known := c.stored[debtKey{payer, reference}]; known {
		return &d
	}
	return nil
}

// recall takes a debt back.
func (c *debtChanges) recall(item debt.Item, result *debt.Result) error {
	old := c.find(item.Payer.ID, item.Reference)
	next, outcome, err := debt.DecideRecall(old, "reference", item.Reason)
	if old != nil {
		result.Debt = old.ID
	}
	if err != nil {
		return err
	}
	result.Outcome = outcome
	if outcome != debt.Unchanged {
		c.updated = append(c.updated, next)
	}
	return nil
}

// state makes or changes a debt, and recalls the one whose place it takes.
func (c *debtChanges) state(item debt.Item, fresh *debt.Debt, result *debt.Result) error {
	old := c.find(item.Payer.ID, item.Reference)
	var err error
	if old != nil {
		result.Debt = old.ID
	} else if fresh.ID, err = newID(prefixDebt, bucketOf(fresh.Payer.ID)); err != nil {
		return err
	}
	next, outcome, err := debt.Decide(*fresh, old)
	if err != nil {
		return err
	}
	if item.Supersedes != "" {
		if err := c.supersede(item, result); err != nil {
			return err
		}
	}
	result.Outcome, result.Debt = outcome, next.ID
	if old == nil {
		c.inserted = append(c.inserted, next)
	} else {
		c.updated = append(c.updated, next)
	}
	return nil
}

// supersede recalls the debt whose place another takes. A refusal leaves both as they were.
func (c *debtChanges) supersede(item debt.Item, result *debt.Result) error {
	old := c.find(item.Payer.ID, item.Supersedes)
	reason := item.Reason
	if reason == "" {
		reason = "→ " + item.Reference
	}
	next, outcome, err := debt.DecideRecall(old, "supersedes", reason)
	if err != nil {
		return err
	}
	result.Superseded = next.ID
	if outcome != debt.Unchanged {
		c.updated = append(c.updated, next)
	}
	return nil
}

// runsOf cuts items into runs in which no debt is touched twice, so that lines of a feed take effect in their order.
func runsOf(items []debt.Item) [][]debt.Item {
	var runs [][]debt.Item
	start, seen := 0, make(map[debtKey]bool, len(items))
	for i, item := range items {
		keys := keysOf(item)
		if anySeen(seen, keys) {
			runs = append(runs, items[start:i])
			start = i
			clear(seen)
		}
		for _, key := range keys {
			seen[key] = true
		}
	}
	return append(runs, items[start:])
}
