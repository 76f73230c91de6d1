package ledger

import "strings"

// Account names an account of the ledger, such as "bank:TSESKZKA:due". Debits are positive: what others owe us has a
// positive balance, what is owed to others a negative one.
type Account string

// BankDue is what a bank owes after it has executed payments (R6).
func BankDue(bic string) Account { return Account("bank:" + bic + ":due") }

// BankCommission is what a bank has earned for its service, less what it gave back: its credit side.
func BankCommission(bic string) Account { return Account("bank:" + bic + ":commission") }

// BankCharged is what a bank has got of that already, from payers on top of their payments or from agencies. What it has earned and not
// got is owed to it by agencies: the three kinds of accounts make zero together.
func BankCharged(bic string) Account { return Account("bank:" + bic + ":charged") }

// AgencyCommission is what an agency owes a bank for commissions that it bears.
func AgencyCommission(agency, bic string) Account {
	return Account("agency:" + agency + ":" + bic + ":commission")
}

// AgencyKept is what an agency has to make good: a bank kept its commission back out of what it had collected for beneficiaries, so the bank has
// been paid with their money.
func AgencyKept(agency, bic string) Account { return Account("agency:" + agency + ":" + bic + ":kept") }

// AgencyMadeGood is what an agency has made good of that: what its beneficiaries have got from it in place of the bank. What they are due stands,
// as it does for money that a bank has sent on.
func AgencyMadeGood(agency, bic string) Account {
	return Account("agency:" + agency + ":" + bic + ":made-good")
}

// AgencyOwing reads agency and bank out of the account of the commissions that an agency owes; ok is false for any other account.
func (a Account) AgencyOwing() (agency, bic string, ok bool) {
	parts := strings.Split(string(a), ":")
	if len(parts) != 4 || parts[0] != "agency" || parts[3] != "commission" {
		return "", "", false
	}
	return parts[1], parts[2], true
}

// BankRefunds is what a bank must give back to payers.
func BankRefunds(bic string) Account { return Account("bank:" + bic + ":refunds") }

// BankHeld is money of beneficiaries that is set aside for refunds through a bank, from their approval to the bank's answer.
func BankHeld(bic string) Account { return Account("bank:" + bic + ":held") }

// BankSuspense holds money of a bank's statement that nobody has explained yet.
func BankSuspense(bic string) Account { return Account("bank:" + bic + ":suspense") }

// BankForwarding is money that a bank has sent on from our account to the beneficiaries' treasury. What beneficiaries are due stands until
// they have it.
func BankForwarding(bic string) Account { return Account("bank:" + bic + ":forwarding") }

// BankGuarantee is what a bank has deposited for what it may owe.
func BankGuarantee(bic string) Account { return Account("bank:" + bic + ":guarantee") }

// BankCash is what stands on our account at a bank, as its statements tell.
func BankCash(bic, account string) Account { return Account("bank:" + bic + ":" + account + ":cash") }

// BeneficiaryDue is what an agency is due under a budget code.
func BeneficiaryDue(agency, kbk string) Account {
	return Account("beneficiary:" + agency + ":" + kbk + ":due")
}

// Agency reads agency and budget code out of the account of what a beneficiary is due; ok is false for any other account.
func (a Account) Agency() (agency, kbk string, ok bool) {
	parts := strings.Split(string(a), ":")
	if len(parts) != 4 || parts[0] != "beneficiary" || parts[3] != "due" {
		return "", "", false
	}
	return parts[1], parts[2], true
}

// Accounts of the operator: the other side of guarantees, its commissions, differences that were written off, what stood
// on accounts at banks before their first statement, and money on its way from one payer's debt to another's.
const (
	OperatorGuarantees  Account = "operator:guarantees"
	OperatorCommissions Account = "operator:commissions"
	OperatorWriteOffs   Account = "operator:write-offs"
	OperatorOpenings    Account = "operator:openings"
	OperatorCorrections Account = "operator:corrections"
)

// accountBytesMax bounds a name.
const accountBytesMax = 128

// Valid reports whether the name is of one of the known kinds.
func (a Account) Valid() bool {
	if len(a) > accountBytesMax {
		return false
	}
	parts := strings.Split(string(a), ":")
	for _, part := range parts {
		if !plain(part) {
			return false
		}
	}
	switch {
	case len(parts) == 2 && parts[0] == "operator":
		return a == OperatorGuarantees || a == OperatorCommissions || a == OperatorWriteOffs || a == OperatorOpenings || a == OperatorCorrections
	case len(parts) == 3 && parts[0] == "bank":
		switch parts[2] {
		case "due", "commission", "charged", "refunds", "held", "suspense", "forwarding", "guarantee":
			return true
		}
	case len(parts) == 4 && parts[0] == "bank":
		return parts[3] == "cash"
	case len(parts) == 4 && parts[0] == "agency":
		return parts[3] == "commission" || parts[3] == "kept" || parts[3] == "made-good"
	case len(parts) == 4 && parts[0] == "beneficiary":
		return parts[3] == "due"
	}
	return false
}

// plain reports whether a part of a name has only letters, digits, "-" and "_": a name is shown, searched and put into
// addresses, where other characters would have to be escaped.
func plain(part string) bool {
	for _, c := range []byte(part) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return part != ""
}
