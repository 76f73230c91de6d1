package statement

import (
	"time"

	"qaqpa/payment/money"
)

// Format names a family of messages. Its values are kept in the database and never change.
type Format string

// Formats.
const (
	Camt052 Format = "camt.052" // intraday report
	Camt053 Format = "camt.053" // statement
	Camt054 Format = "camt.054" // notice of debits and credits
	Pain001 Format = "pain.001" // customer's orders
	Pain002 Format = "pain.002" // status of orders
	Pacs008 Format = "pacs.008" // orders between banks
	MT940   Format = "mt940"    // statement
	MT942   Format = "mt942"    // intraday report
	MT100   Format = "mt100"    // single orders of the КЦМР
	MT102   Format = "mt102"    // packets of orders of the КЦМР
	OneC    Format = "1c"       // 1CClientBankExchange
	CSV     Format = "csv"      // a table, read by a Mapping
)

// Kind says what the entries of a format mean.
type Kind uint8

// Kinds.
const (
	// Booked statements tell the booked movements of an account between two balances.
	Booked Kind = iota + 1
	// Intraday reports tell movements of a day that is not over; the statement of the day tells them again.
	Intraday
	// Notices tell single movements without balances; the statement tells them again.
	Notices
	// Orders ask for movements: every entry is credited to its beneficiary if it is executed.
	Orders
	// Statuses tell what became of orders; entries have a [Detail.Status] and mostly no amount.
	Statuses
)

// Kind returns what the entries of the format mean.
func (f Format) Kind() Kind {
	switch f { //nolint:exhaustive // the rest are statements
	case Camt052, MT942:
		return Intraday
	case Camt054:
		return Notices
	case Pain001, Pacs008, MT100, MT102:
		return Orders
	case Pain002:
		return Statuses
	default:
		return Booked
	}
}

// Direction is the side of the account that an entry stands on, as it was booked: of a reversal too.
type Direction uint8

// Directions.
const (
	Credit Direction = iota + 1
	Debit
)

// String returns CRDT or DBIT.
func (d Direction) String() string {
	switch d {
	case Credit:
		return "CRDT"
	case Debit:
		return "DBIT"
	}
	return ""
}

// Status says whether an entry counts.
type Status uint8

// Statuses of entries. Only [StatusBooked] moves a balance.
const (
	StatusBooked Status = iota + 1
	StatusPending
	StatusInfo
	StatusFuture
)

// String returns BOOK, PDNG, INFO or FUTR.
func (s Status) String() string {
	switch s {
	case StatusBooked:
		return "BOOK"
	case StatusPending:
		return "PDNG"
	case StatusInfo:
		return "INFO"
	case StatusFuture:
		return "FUTR"
	}
	return ""
}

// Header is what a statement says of itself before its entries. Strings are its own and may be kept.
type Header struct {
	Format Format
	// Version is the part of the namespace after the message, "001.08"; the version of a 1C file; empty where there is none.
	Version string
	// Line is where the statement begins, from 1.
	Line int
	// Index counts the statements of a file from 0.
	Index int
	// MessageID names the file as its sender does (GrpHdr/MsgId); ID names the statement (Stmt/Id, :20:).
	MessageID, ID string
	// Number counts the statements of an account, 0 if not told (ElctrncSeqNb, :28C:); Legal is LglSeqNb.
	Number, Legal int64
	// Page and LastPage place this part of a statement that spans files or messages; Page is 0 if not told, :28C: n/page otherwise.
	Page     int
	LastPage bool
	// CreatedAt is when the sender made it, zero if not told.
	CreatedAt time.Time
	// From and To are the days that it covers, zero if not told.
	From, To Date
	// Copy is CpyDplctInd: COPY, DUPL or CODU. A copy posts nothing.
	Copy    string
	Account Account
	// Balances that stand before the entries: all in camt, the opening one in MT940. [Trailer.Balances] has all of them.
	Balances []Balance
	// Declared is what a file says about its own entries, where it says so before them.
	Declared Declared
}

// Account is whom a statement is about.
type Account struct {
	// ID is the IBAN (ИИК) or another number of the account, without spaces.
	ID string
	// Currency is that of the account, empty if not told.
	Currency money.Currency
	// Owner and ServicerBIC are told by some.
	Owner, ServicerBIC string
}

// Balance is one balance of a statement.
type Balance struct {
	// Type is the code of ISO 20022: OPBD opening, PRCD closing of the day before, CLBD closing, ITBD interim, OPAV, CLAV, FWAV
	// available. :60F: is OPBD, :60M: and :62M: are ITBD, :62F: is CLBD, :64: is CLAV, :65: is FWAV.
	Type string
	// Amount is negative for a debit balance.
	Amount money.Amount
	Date   Date
	Line   int
}

// Declared is what a file claims of its entries; fields are compared as far as they are told.
type Declared struct {
	// Count is the number of entries, or of transactions in Orders, -1 if not told.
	Count int64
	// Sum is their control sum without regard to currency and direction, in hundredths; HasSum says that it is told.
	Sum    int64
	HasSum bool
	// CreditCount and DebitCount are -1 if not told; Credit and Debit have a currency if told.
	CreditCount, DebitCount int64
	Credit, Debit           money.Amount
}

// Entry is one movement of the account. It and all slices in it are the reader's and valid until [Handler.Entry] returns.
type Entry struct {
	// Line is where the entry begins.
	Line int
	// Index counts the entries of a statement from 0.
	Index int64
	// Amount is not negative. It has no currency in Statuses.
	Amount    money.Amount
	Direction Direction
	// Reversal says that the entry takes an earlier one back; Direction is what it does to the balance.
	Reversal bool
	Status   Status
	// BookDate and ValueDate are as the bank writes them, zero if not told.
	BookDate, ValueDate Date
	// Ref is the entry's own reference (NtryRef, the reference of :61:, НомерДокумента); BankRef is the bank's (AcctSvcrRef, after //).
	Ref, BankRef []byte
	// Code says by ISO 20022 what kind of transaction it is, "PMNT/RCDT/DMCT"; BankCode says it in the bank's words, N and three
	// characters of :61: or ВидДокумента.
	Code, BankCode []byte
	// Info is free text about the entry.
	Info []byte
	// Batch is what an entry says about the transactions that it sums up.
	Batch Batch
	// Details are the transactions. An entry that tells none has one with the amount of the entry, unless it is a batch: then none.
	// An entry with more than [Options.DetailsMax] is handed out in parts, each with the next details and the same entry
	// around them; Part counts from 0 and Last marks the last. Only in the last is Info complete.
	Details []Detail
	Part    int
	Last    bool
}

// Batch sums up the transactions of an entry.
type Batch struct {
	// Present says that the entry declares itself a batch.
	Present bool
	// MessageID and PaymentInfoID name the order that was booked as one sum.
	MessageID, PaymentInfoID []byte
	// Count is the declared number of transactions, -1 if not told.
	Count int64
	// Total is the declared sum; without currency it was not told.
	Total money.Amount
}

// Detail is one transaction. References stand wherever a bank put them: see [Entry.EachReference].
type Detail struct {
	Line int
	// Amount has no currency if the transaction does not tell it; a lone one takes that of its entry.
	Amount    money.Amount
	Direction Direction
	// EndToEndID is the orderer's reference through all banks, or NOTPROVIDED; InstructionID goes to the next bank only.
	EndToEndID, InstructionID, TransactionID, UETR []byte
	// BankRef is the servicer's (AcctSvcrRef), ClearingRef the clearing system's, MessageID and PaymentInfoID name the order's file.
	BankRef, ClearingRef, MessageID, PaymentInfoID, MandateID, ChequeNumber []byte
	// OtherRefs are proprietary references (Prtry/Ref); CreditorRefs are structured references of the remittance (Strd/CdtrRefInf/Ref,
	// RfrdDocInf/Nb).
	OtherRefs, CreditorRefs [][]byte

	Debtor, Creditor, UltimateDebtor, UltimateCreditor Party

	// KNP, KBK and UIP are the code of purpose, the budget classification and the unique number of the charge, found where
	// [Options.Places] says or, the UIP, behind the word УИП in Remittance.
	KNP, KBK, UIP []byte
	// TaxPeriod is MMYYYY where told.
	TaxPeriod []byte
	// Purpose is Purp/Cd; Remittance is what the payer wrote, its lines joined by a space.
	Purpose, Remittance []byte
	// Instructed is the amount in the payer's currency if it differs or is told.
	Instructed money.Amount
	// DocumentNumber and DocumentDate are those of the payment order.
	DocumentNumber []byte
	DocumentDate   Date
	// Status is ACSC, RJCT, PDNG … of an order; Reason its code, or that of a return; ReasonText its words.
	Status, Reason, ReasonText []byte
	// Extra has what a 1C or CSV file tells beside, as "key=value" in the order of the file.
	Extra [][]byte
}

// Party is a payer or payee.
type Party struct {
	Name []byte
	// ID is the ИИН or БИН, or another number, and Scheme what kind it is if told (IIN, BIN).
	ID, Scheme []byte
	// Account is the ИИК; BIC that of its bank; BankName its name.
	Account, BIC, BankName []byte
	// Code is КОд or КБе: residency and sector.
	Code []byte
	// Country is that of residence.
	Country []byte
	// Chief and Accountant are the signatories that MT100 names.
	Chief, Accountant []byte
}

// Total counts and sums entries of one direction.
type Total struct {
	Count int64
	// Sum is in the currency of the statement, hundredths.
	Sum int64
}

// Trailer is what is known at the end of a statement.
type Trailer struct {
	// Line is where the statement ends.
	Line int
	// Entries and Details count everything that was handed out; Pending the entries that do not count.
	Entries, Details, Pending int64
	// Credit and Debit are of booked entries in the currency of the account.
	Credit, Debit Total
	// ValueDate is that of a packet of orders, which tells it behind them.
	ValueDate Date
	Balances  []Balance
	// Checks are the results of all checks that apply to the format, in the order of [CheckNames].
	Checks []Check
}

// Summary is what was read.
type Summary struct {
	Format     Format
	Version    string
	Statements int
	Entries    int64
	Details    int64
	Bytes      int64
	// Failed counts the checks that failed over all statements.
	Failed int
}

// Handler takes what [Read] finds. An error of a method ends the reading and is returned as it is.
type Handler interface {
	// Statement begins a statement. The header stays valid until End.
	Statement(h *Header) error
	// Entry takes one entry, or a part of it.
	Entry(e *Entry) error
	// End closes the statement.
	End(t *Trailer) error
}
