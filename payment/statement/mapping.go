package statement

// Column names what a column of a table means.
type Column string

// Columns. Amount is signed (a minus is a debit) unless Direction, Credit or Debit is mapped.
const (
	ColumnDate      Column = "date"
	ColumnValueDate Column = "value_date"
	ColumnAmount    Column = "amount"
	ColumnCredit    Column = "credit"
	ColumnDebit     Column = "debit"
	ColumnDirection Column = "direction"
	ColumnCurrency  Column = "currency"
	ColumnRef       Column = "ref"
	ColumnBankRef   Column = "bank_ref"
	ColumnEndToEnd  Column = "end_to_end_id"
	ColumnPurpose   Column = "remittance"
	ColumnKNP       Column = "knp"
	ColumnKBK       Column = "kbk"
	ColumnUIP       Column = "uip"
	ColumnStatus    Column = "status"
	ColumnDocument  Column = "document_number"
	ColumnPayerName Column = "payer_name"
	ColumnPayerID   Column = "payer_id"
	ColumnPayerAcct Column = "payer_account"
	ColumnPayerBIC  Column = "payer_bic"
	ColumnPayeeName Column = "payee_name"
	ColumnPayeeID   Column = "payee_id"
	ColumnPayeeAcct Column = "payee_account"
	ColumnPayeeBIC  Column = "payee_bic"
)

// Mapping says how a table is to be read. It is data of a bank, kept as JSON.
type Mapping struct {
	// Separator of fields: ",", ";" or a tab; "," by default.
	Separator string `json:"separator,omitempty"`
	// Charset of the file; empty for UTF-8.
	Charset Charset `json:"charset,omitempty"`
	// Skip is how many lines stand above the line with the names of columns.
	Skip int `json:"skip,omitempty"`
	// Columns gives the names of columns as the file writes them. Columns of the file that are not named here are kept in Detail.Extra.
	Columns map[Column]string `json:"columns"`
	// Decimal separates decimals: "." by default, or ",". Spaces, and the Grouping character if set, are left out of amounts.
	Decimal  string `json:"decimal,omitempty"`
	Grouping string `json:"grouping,omitempty"`
	// DateLayout is "2006-01-02" by default, or "02.01.2006"; a time behind the date is left out.
	DateLayout string `json:"date_layout,omitempty"`
	// CreditValues are the values of the direction column that mean a credit, DebitValues those that mean a debit.
	CreditValues []string `json:"credit_values,omitempty"`
	DebitValues  []string `json:"debit_values,omitempty"`
	// EndMark is the first field of the record that ends the table, where a table has one: without it the table counts as cut off.
	EndMark string `json:"end_mark,omitempty"`
	// Account and Currency are those of the statement, if the table does not tell them.
	Account  string `json:"account,omitempty"`
	Currency string `json:"currency,omitempty"`
}
