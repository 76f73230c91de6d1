package portal

// tab leads to a section of a cabinet.
type tab struct {
	Address, Name string
	Current       bool
}

// agencyTabs are the sections of an agency's cabinet; current is the one that is shown.
func agencyTabs(w words, id, current string) []tab {
	return tabs("/console/agency/"+id, current, []tab{
		{"", w.P("tab.payments"), false},
		{"/webhooks", w.P("tab.webhooks"), false},
		{"/services", w.P("agency.services"), false},
		{"/debts", w.P("tab.debts"), false},
		{"/refunds", w.P("tab.refunds"), false},
		{"/registers", w.P("tab.registers"), false},
		{"/verify", w.P("agency.verify"), false},
	})
}

// bankTabs are the sections of a bank's cabinet.
func bankTabs(w words, bic, current string) []tab {
	return tabs("/console/bank/"+bic, current, []tab{
		{"", w.P("tab.overview"), false},
		{"/payments", w.P("tab.payments"), false},
		{"/statements", w.P("bank.statements"), false},
		{"/questions", w.P("bank.questions"), false},
		{"/queries", w.P("tab.queries"), false},
	})
}

func tabs(base, current string, list []tab) []tab {
	for i := range list {
		list[i].Current = list[i].Address == current
		list[i].Address = base + list[i].Address
	}
	return list
}
