package statement

// Options bound and steer [Read]. Zero fields take the defaults.
type Options struct {
	// BytesMax is the size of the largest file; 4 GiB by default.
	BytesMax int64
	// EntriesMax is how many entries a file may have; 20 million by default.
	EntriesMax int64
	// StatementsMax is how many statements a file may have; 100,000 by default.
	StatementsMax int
	// DetailsMax is how many details are handed out at once; 1,024 by default. An entry with more comes in parts.
	DetailsMax int
	// Places says where a bank puts the national codes; [DefaultPlaces] by default.
	Places Places
	// Charset is that of MT and КЦМР files where they are not UTF-8, and of 1C files that call it Windows; [KZ1048] by default, which differs
	// from windows-1251 in the Kazakh letters alone: they stand where that has letters of neither Kazakh nor Russian.
	Charset Charset
	// Mapping reads tables: a file in no other format is read by it. Without one such files are refused.
	Mapping *Mapping
}

// detailBytesMax bounds the values of one detail, or of what stands around the details of an entry.
const detailBytesMax = 1 << 20

// repeatsMax bounds references of one kind in a detail.
const repeatsMax = 256

func (o Options) withDefaults() Options {
	if o.BytesMax <= 0 {
		o.BytesMax = 4 << 30
	}
	if o.EntriesMax <= 0 {
		o.EntriesMax = 20_000_000
	}
	if o.StatementsMax <= 0 {
		o.StatementsMax = 100_000
	}
	if o.DetailsMax <= 0 {
		o.DetailsMax = 1024
	}
	if o.Places.empty() {
		o.Places = DefaultPlaces()
	}
	if o.Charset == "" {
		o.Charset = KZ1048
	}
	return o
}

// Places says where in a transaction of ISO 20022 a bank puts the national codes: paths below TxDtls or CdtTrfTxInf, of which all are
// read and the first that has a value wins. The national usage guide is not public, so this is a table for each bank and not code.
type Places struct {
	KNP       []string `json:"knp,omitempty"`
	KBK       []string `json:"kbk,omitempty"`
	UIP       []string `json:"uip,omitempty"`
	TaxPeriod []string `json:"tax_period,omitempty"`
	// BankCode of debtor and creditor (КОд, КБе).
	DebtorCode   []string `json:"debtor_code,omitempty"`
	CreditorCode []string `json:"creditor_code,omitempty"`
}

// DefaultPlaces returns the convention of the gateway's own files.
func DefaultPlaces() Places {
	return Places{
		KNP:       []string{"Purp/Prtry"},
		KBK:       []string{"Tax/Rcrd/CtgyDtls"},
		TaxPeriod: []string{"Tax/Rcrd/Prd/Yr"},
	}
}

func (p Places) empty() bool {
	return len(p.KNP)+len(p.KBK)+len(p.UIP)+len(p.TaxPeriod)+len(p.DebtorCode)+len(p.CreditorCode) == 0
}
