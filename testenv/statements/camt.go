package statements

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"time"
)

// WriteCamt053 writes all days as one message camt.053.001.08, a statement each.
func (p *Plan) WriteCamt053(w io.Writer) error { return p.camt053(w, 0, p.Days()) }

// WriteCamt053Day writes the message of one day.
func (p *Plan) WriteCamt053Day(w io.Writer, day int) error { return p.camt053(w, day, day+1) }

func (p *Plan) camt053(w io.Writer, from, to int) error {
	out := bufio.NewWriterSize(w, 1<<20)
	fmt.Fprintf(out, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><GrpHdr><MsgId>M%s</MsgId><CreDtTm>%sT18:00:00+05:00</CreDtTm></GrpHdr>`,
		p.Day(from).Format("20060102"), p.Day(to-1).Format(time.DateOnly))
	for day := from; day < to; day++ {
		if err := p.camtStatement(out, day); err != nil {
			return err
		}
	}
	fmt.Fprint(out, `</BkToCstmrStmt></Document>`+"\n")
	return out.Flush()
}

func (p *Plan) camtStatement(out *bufio.Writer, day int) error {
	at := p.Day(day)
	fmt.Fprintf(out, `<Stmt><Id>S%s</Id><ElctrncSeqNb>%d</ElctrncSeqNb><CreDtTm>%sT18:00:00+05:00</CreDtTm><Acct><Id><IBAN>%s</IBAN></Id><Ccy>KZT</Ccy></Acct>`,
		at.Format("20060102"), p.config.FirstNumber+day, at.Format(time.DateOnly), p.config.Account)
	camtBalance(out, "OPBD", p.opening[day], at)
	camtBalance(out, "CLBD", p.opening[day+1], at)
	var buf []byte
	err := p.Entries(day, func(e *Entry) error {
		buf = appendEntry(buf[:0], e)
		_, err := out.Write(buf)
		return err
	})
	fmt.Fprint(out, "</Stmt>\n")
	return err
}

func camtBalance(out *bufio.Writer, kind string, tiyn int64, at time.Time) {
	side := "CRDT"
	if tiyn < 0 {
		tiyn, side = -tiyn, "DBIT"
	}
	fmt.Fprintf(out, `<Bal><Tp><CdOrPrtry><Cd>%s</Cd></CdOrPrtry></Tp><Amt Ccy="KZT">%s</Amt><CdtDbtInd>%s</CdtDbtInd><Dt><Dt>%s</Dt></Dt></Bal>`,
		kind, appendAmount(nil, tiyn), side, at.Format(time.DateOnly))
}

func appendAmount(b []byte, tiyn int64) []byte {
	b = strconv.AppendInt(b, tiyn/100, 10)
	return append(b, '.', byte('0'+tiyn/10%10), byte('0'+tiyn%10))
}

// xmlText grows by elements.
type xmlText []byte

func (b *xmlText) put(parts ...string) {
	for _, p := range parts {
		*b = append(*b, p...)
	}
}

// tag puts a value between two texts, or nothing for no value.
func (b *xmlText) tag(open, value, closing string) {
	if value != "" {
		b.put(open, value, closing)
	}
}

func (b *xmlText) money(name string, e *Entry) {
	b.put("<", name, ` Ccy="`, e.Currency, `">`)
	*b = appendAmount(*b, e.Tiyn)
	b.put("</", name, ">")
}

// appendEntry writes one Ntry.
func appendEntry(buf []byte, e *Entry) []byte {
	b := xmlText(buf)
	b.put("<Ntry>")
	if e.Place == "ntry" {
		b.tag("<NtryRef>", e.Ref, "</NtryRef>")
	}
	b.money("Amt", e)
	if e.Debit {
		b.put("<CdtDbtInd>DBIT</CdtDbtInd><RvslInd>true</RvslInd>")
	} else {
		b.put("<CdtDbtInd>CRDT</CdtDbtInd>")
	}
	day := string(e.Booked.AppendFormat(make([]byte, 0, 10), time.DateOnly))
	b.put("<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>", day, "</Dt></BookgDt><ValDt><Dt>", day, "</Dt></ValDt>")
	b.tag("<AcctSvcrRef>", e.BankRef, "</AcctSvcrRef>")
	b.put("<BkTxCd><Prtry><Cd>RCDT</Cd></Prtry></BkTxCd><NtryDtls>")
	if e.Count > 0 {
		b.tag("<Btch><PmtInfId>", e.Batch, "</PmtInfId>")
		b.put("<NbOfTxs>", strconv.Itoa(e.Count), "</NbOfTxs>")
		b.money("TtlAmt", e)
		b.put("</Btch></NtryDtls></Ntry>\n")
		return b
	}
	b.transaction(e)
	b.put("</NtryDtls></Ntry>\n")
	return b
}

// transaction writes one TxDtls.
func (b *xmlText) transaction(e *Entry) {
	b.put("<TxDtls><Refs>")
	if e.Place == "instr" {
		b.tag("<InstrId>", e.Ref, "</InstrId>")
	}
	if e.Place == "e2e" || e.Place == "none" {
		b.tag("<EndToEndId>", e.Ref, "</EndToEndId>")
	} else {
		b.put("<EndToEndId>NOTPROVIDED</EndToEndId>")
	}
	b.put("</Refs>")
	b.money("Amt", e)
	b.tag("<RltdPties><Dbtr><Pty><Nm>", e.PayerName, "</Nm>")
	b.tag("<Id><PrvtId><Othr><Id>", e.PayerID, "</Id><SchmeNm><Prtry>IIN</Prtry></SchmeNm></Othr></PrvtId></Id></Pty></Dbtr>")
	b.tag("<DbtrAcct><Id><IBAN>", e.PayerAccount, "</IBAN></Id></DbtrAcct></RltdPties>")
	b.tag("<RltdAgts><DbtrAgt><FinInstnId><BICFI>", e.PayerBIC, "</BICFI></FinInstnId></DbtrAgt></RltdAgts>")
	b.tag("<Purp><Prtry>", e.KNP, "</Prtry></Purp>")
	b.tag("<RmtInf><Ustrd>Мемлекеттік баж. УИП ", e.UIP, "</Ustrd></RmtInf>")
	b.tag("<Tax><Rcrd><CtgyDtls>", e.KBK, "</CtgyDtls></Rcrd></Tax>")
	b.put("</TxDtls>")
}
