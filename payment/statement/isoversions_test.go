package statement

import (
	"fmt"
	"strings"
	"testing"
)

// shapes are the names by which one message differs from the others.
var shapes = map[Format][2]string{
	Camt052: {"BkToCstmrAcctRpt", "Rpt"}, Camt053: {"BkToCstmrStmt", "Stmt"}, Camt054: {"BkToCstmrDbtCdtNtfctn", "Ntfctn"},
}

// versioned writes the same two statements, one with a batch, as a version of the message has its elements: the party below Pty from 8 on,
// the status below Cd from 7 on, BICFI and the amount of the transaction itself from 3 on.
func versioned(f Format, version int) string {
	message, statement := shapes[f][0], shapes[f][1]
	party := func(s string) string {
		if version >= 8 {
			return "<Pty>" + s + "</Pty>"
		}
		return s
	}
	status, bic := "BOOK", "BIC"
	amount := func(s string) string { return `<AmtDtls><TxAmt><Amt Ccy="KZT">` + s + `</Amt></TxAmt></AmtDtls>` }
	if version >= 3 {
		bic = "BICFI"
		amount = func(s string) string { return `<Amt Ccy="KZT">` + s + `</Amt><CdtDbtInd>CRDT</CdtDbtInd>` }
	}
	if version >= 7 {
		status = "<Cd>BOOK</Cd>"
	}
	details := func(ref, sum string) string {
		return `<TxDtls><Refs><InstrId>I` + ref + `</InstrId><EndToEndId>` + ref + `</EndToEndId></Refs>` + amount(sum) + `<RltdPties><Dbtr>` +
			party(`<Nm>ТЕСТОВ</Nm><Id><PrvtId><Othr><Id>770707300260</Id></Othr></PrvtId></Id>`) + `</Dbtr></RltdPties><RltdAgts><DbtrAgt><FinInstnId><` + bic + `>HSBKKZKX</` + bic +
			`></FinInstnId></DbtrAgt></RltdAgts></TxDtls>`
	}
	line := func(sum, inside string) string {
		return `<Ntry><Amt Ccy="KZT">` + sum + `</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts>` + status + `</Sts><BookgDt><Dt>2026-11-20</Dt></BookgDt><NtryDtls>` + inside + `</NtryDtls></Ntry>`
	}
	one := func(id, opening, closing, lines string) string {
		return `<` + statement + `><Id>` + id + `</Id><Acct><Id><IBAN>KZ916011700111350335</IBAN></Id><Ccy>KZT</Ccy></Acct>` + balances(opening, closing) + lines + `</` + statement + `>`
	}
	return fmt.Sprintf(`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:%s.001.%02d"><%s><GrpHdr><MsgId>M</MsgId></GrpHdr>`, f, version, message) +
		one("A", "0", "1", line("1", details("E1", "1"))) +
		one("B", "1", "6", line("5", `<Btch><PmtInfId>P</PmtInfId><NbOfTxs>2</NbOfTxs><TtlAmt Ccy="KZT">5</TtlAmt></Btch>`+details("E2", "2")+details("E3", "3"))) + `</` + message + `></Document>`
}

// Every version of the three messages that is taken tells the same story, however it spells it.
func TestVersionsTellTheSame(t *testing.T) {
	want := ""
	for f := range shapes {
		for version := isoVersions[f][0]; version <= isoVersions[f][1]; version++ {
			got, err := readAll([]byte(versioned(f, version)), Options{})
			if want == "" {
				want = got
			}
			if err != nil || got != want || strings.Count(got, "770707300260") != 3 || strings.Count(got, "HSBKKZKX") != 3 || strings.Contains(got, "failed") {
				t.Errorf("%s version %d: %v\n%s\nwant\n%s", f, version, err, got, want)
			}
		}
	}
}
