package statement

import "strings"

// field is what a place in a message means.
type field uint16

// Fields of the header, balances, entries and transactions. Those of parties follow from fieldParty on, a row for each role.
const (
	fieldNone field = iota
	// blocks
	blockStatement
	blockBalance
	blockEntry
	blockDetail
	blockOrder  // an order of pain.001 or pacs.008: an entry of one transaction
	blockGroup  // PmtInf
	blockStatus // a status of pain.002
	blockGroupStatus
	blockInfoStatus
	// header
	fieldMessageID
	fieldCreated
	fieldPage
	fieldLastPage
	fieldStatementID
	fieldNumber
	fieldLegal
	fieldFrom
	fieldTo
	fieldCopy
	fieldAccount
	fieldAccountCurrency
	fieldOwner
	fieldServicer
	fieldCount
	fieldSum
	fieldCreditCount
	fieldCreditSum
	fieldDebitCount
	fieldDebitSum
	fieldTotal
	fieldSettlementDate
	fieldInitiator
	// balance
	fieldBalanceType
	fieldBalanceAmount
	fieldBalanceDirection
	fieldBalanceDate
	// entry
	fieldRef
	fieldAmount
	fieldDirection
	fieldReversal
	fieldStatus
	fieldBookDate
	fieldValueDate
	fieldEntryBankRef
	fieldCode
	fieldBankCode
	fieldInfo
	fieldBatch
	fieldBatchMessage
	fieldBatchInfo
	fieldBatchCount
	fieldBatchTotal
	// transaction
	fieldEndToEnd
	fieldInstruction
	fieldTransaction
	fieldUETR
	fieldBankRef
	fieldClearingRef
	fieldTxMessage
	fieldTxInfo
	fieldMandate
	fieldCheque
	fieldOtherRef
	fieldCreditorRef
	fieldTxAmount
	fieldTxAmountOld
	fieldInstructed
	fieldTxDirection
	fieldPurpose
	fieldKNP
	fieldKBK
	fieldUIP
	fieldPeriod
	fieldDebtorCode
	fieldCreditorCode
	fieldRemittance
	fieldReason
	fieldReasonText
	fieldTxStatus
	// group of orders
	fieldGroupID
	fieldGroupCount
	fieldGroupSum
	fieldGroupDate

	fieldParty
)

// Parts of a party; a field is fieldParty + role·partyParts + part.
const (
	partName field = iota
	partID
	partScheme
	partAccount
	partBIC
	partBankName
	partCountry
	partyParts
)

// Roles of parties.
const (
	roleDebtor field = iota
	roleCreditor
	roleUltimateDebtor
	roleUltimateCreditor
)

// node is an element that has a meaning, in a tree of those of one message.
type node struct {
	name  string
	kids  []*node
	next  int // where the next kid is looked for first: messages keep the order of their schema
	field field
	// repeats says that several may stand in one parent; of others a second one is refused (attack: two programs that read
	// different ones of the two).
	repeats bool
	serial  uint64 // of the parent that had it last
}

// child finds an element's meaning, nil for one that has none.
func (n *node) child(name []byte) *node {
	for i := range n.kids {
		j := n.next + i
		if j >= len(n.kids) {
			j -= len(n.kids)
		}
		if k := n.kids[j]; k.name == string(name) {
			n.next = j
			return k
		}
	}
	return nil
}

// at returns the node of a path such as "NtryDtls+/TxDtls+/Amt", making what is missing. A plus marks elements that repeat.
func (n *node) at(path string) *node {
	for step := range strings.SplitSeq(path, "/") {
		name, repeats := strings.CutSuffix(step, "+")
		k := n.child([]byte(name))
		if k == nil {
			k = &node{name: name}
			n.kids = append(n.kids, k)
		}
		k.repeats = k.repeats || repeats
		n = k
	}
	return n
}

// place is one line of a table of paths.
type place struct {
	path  string
	field field
}

func (n *node) add(base string, places []place) {
	for _, p := range places {
		path := p.path
		if base != "" {
			path = base + "/" + path
		}
		n.at(path).field = p.field
	}
}

// messageTree returns the tree below Document, and the name of its only child.
func messageTree(f Format, places Places) (*node, string) {
	root := &node{}
	switch f { //nolint:exhaustive // the messages of ISO 20022
	case Camt052:
		root.camt("BkToCstmrAcctRpt", "Rpt+", "RptPgntn", places)
		return root, "BkToCstmrAcctRpt"
	case Camt053:
		root.camt("BkToCstmrStmt", "Stmt+", "StmtPgntn", places)
		return root, "BkToCstmrStmt"
	case Camt054:
		root.camt("BkToCstmrDbtCdtNtfctn", "Ntfctn+", "NtfctnPgntn", places)
		return root, "BkToCstmrDbtCdtNtfctn"
	case Pain001:
		root.pain001(places)
		return root, "CstmrCdtTrfInitn"
	case Pain002:
		root.pain002()
		return root, "CstmrPmtStsRpt"
	default:
		root.pacs008(places)
		return root, "FIToFICstmrCdtTrf"
	}
}

func (n *node) camt(message, statement, pages string, places Places) {
	n.add(message, []place{
		{"GrpHdr/MsgId", fieldMessageID},
		{"GrpHdr/CreDtTm", fieldCreated},
		{"GrpHdr/MsgPgntn/PgNb", fieldPage},
		{"GrpHdr/MsgPgntn/LastPgInd", fieldLastPage},
		{statement, blockStatement},
	})
	s := message + "/" + strings.TrimSuffix(statement, "+")
	n.add(s, []place{
		{"Id", fieldStatementID},
		{pages + "/PgNb", fieldPage},
		{pages + "/LastPgInd", fieldLastPage},
		{"ElctrncSeqNb", fieldNumber},
		{"LglSeqNb", fieldLegal},
		{"CreDtTm", fieldCreated},
		{"FrToDt/FrDtTm", fieldFrom},
		{"FrToDt/ToDtTm", fieldTo},
		{"CpyDplctInd", fieldCopy},
		{"Acct/Id/IBAN", fieldAccount},
		{"Acct/Id/Othr/Id", fieldAccount},
		{"Acct/Ccy", fieldAccountCurrency},
		{"Acct/Ownr/Nm", fieldOwner},
		{"Acct/Svcr/FinInstnId/BICFI", fieldServicer},
		{"Acct/Svcr/FinInstnId/BIC", fieldServicer},
		{"Bal+", blockBalance},
		{"Bal/Tp/CdOrPrtry/Cd", fieldBalanceType},
		{"Bal/Tp/CdOrPrtry/Prtry", fieldBalanceType},
		{"Bal/Amt", fieldBalanceAmount},
		{"Bal/CdtDbtInd", fieldBalanceDirection},
		{"Bal/Dt/Dt", fieldBalanceDate},
		{"Bal/Dt/DtTm", fieldBalanceDate},
		{"TxsSummry/TtlNtries/NbOfNtries", fieldCount},
		{"TxsSummry/TtlNtries/Sum", fieldSum},
		{"TxsSummry/TtlCdtNtries/NbOfNtries", fieldCreditCount},
		{"TxsSummry/TtlCdtNtries/Sum", fieldCreditSum},
		{"TxsSummry/TtlDbtNtries/NbOfNtries", fieldDebitCount},
		{"TxsSummry/TtlDbtNtries/Sum", fieldDebitSum},
		{"Ntry+", blockEntry},
		{"Ntry/NtryRef", fieldRef},
		{"Ntry/Amt", fieldAmount},
		{"Ntry/CdtDbtInd", fieldDirection},
		{"Ntry/RvslInd", fieldReversal},
		{"Ntry/Sts", fieldStatus},
		{"Ntry/Sts/Cd", fieldStatus},
		{"Ntry/BookgDt/Dt", fieldBookDate},
		{"Ntry/BookgDt/DtTm", fieldBookDate},
		{"Ntry/ValDt/Dt", fieldValueDate},
		{"Ntry/ValDt/DtTm", fieldValueDate},
		{"Ntry/AcctSvcrRef", fieldEntryBankRef},
		{"Ntry/BkTxCd/Domn/Cd", fieldCode},
		{"Ntry/BkTxCd/Domn/Fmly/Cd", fieldCode},
		{"Ntry/BkTxCd/Domn/Fmly/SubFmlyCd", fieldCode},
		{"Ntry/BkTxCd/Prtry/Cd", fieldBankCode},
		{"Ntry/NtryDtls+/Btch", fieldBatch},
		{"Ntry/NtryDtls/Btch/MsgId", fieldBatchMessage},
		{"Ntry/NtryDtls/Btch/PmtInfId", fieldBatchInfo},
		{"Ntry/NtryDtls/Btch/NbOfTxs", fieldBatchCount},
		{"Ntry/NtryDtls/Btch/TtlAmt", fieldBatchTotal},
		{"Ntry/NtryDtls/TxDtls+", blockDetail},
		{"Ntry/AddtlNtryInf", fieldInfo},
	})
	n.camtDetail(s+"/Ntry/NtryDtls/TxDtls", places)
}

func (n *node) camtDetail(base string, places Places) {
	n.add(base, []place{
		{"Refs/MsgId", fieldTxMessage},
		{"Refs/AcctSvcrRef", fieldBankRef},
		{"Refs/PmtInfId", fieldTxInfo},
		{"Refs/InstrId", fieldInstruction},
		{"Refs/EndToEndId", fieldEndToEnd},
		{"Refs/UETR", fieldUETR},
		{"Refs/TxId", fieldTransaction},
		{"Refs/MndtId", fieldMandate},
		{"Refs/ChqNb", fieldCheque},
		{"Refs/ClrSysRef", fieldClearingRef},
		{"Refs/Prtry+/Ref", fieldOtherRef},
		{"Amt", fieldTxAmount},
		{"CdtDbtInd", fieldTxDirection},
		{"AmtDtls/InstdAmt/Amt", fieldInstructed},
		{"AmtDtls/TxAmt/Amt", fieldTxAmountOld},
		{"Purp/Cd", fieldPurpose},
		{"RtrInf/Rsn/Cd", fieldReason},
		{"RtrInf/Rsn/Prtry", fieldReason},
		{"RtrInf/AddtlInf+", fieldReasonText},
		{"AddtlTxInf", fieldRemittance},
	})
	n.parties(base+"/RltdPties", base+"/RltdAgts")
	n.remittance(base)
	n.national(base, places)
}

// parties adds the roles, with the party below Pty (version 8 on) or directly.
func (n *node) parties(base, agents string) {
	for role, name := range []string{"Dbtr", "Cdtr", "UltmtDbtr", "UltmtCdtr"} {
		first := fieldParty + field(role)*partyParts
		for _, below := range []string{"", "/Pty"} {
			n.add(base+"/"+name+below, []place{
				{"Nm", first + partName},
				{"Id/PrvtId/Othr+/Id", first + partID},
				{"Id/PrvtId/Othr/SchmeNm/Prtry", first + partScheme},
				{"Id/PrvtId/Othr/SchmeNm/Cd", first + partScheme},
				{"Id/OrgId/Othr+/Id", first + partID},
				{"Id/OrgId/Othr/SchmeNm/Prtry", first + partScheme},
				{"Id/OrgId/Othr/SchmeNm/Cd", first + partScheme},
				{"CtryOfRes", first + partCountry},
			})
		}
		if field(role) > roleCreditor {
			continue
		}
		n.add(base, []place{
			{name + "Acct/Id/IBAN", first + partAccount},
			{name + "Acct/Id/Othr/Id", first + partAccount},
		})
		n.add(agents, []place{
			{name + "Agt/FinInstnId/BICFI", first + partBIC},
			{name + "Agt/FinInstnId/BIC", first + partBIC},
			{name + "Agt/FinInstnId/Nm", first + partBankName},
		})
	}
}

func (n *node) remittance(base string) {
	n.add(base, []place{
		{"RmtInf/Ustrd+", fieldRemittance},
		{"RmtInf/Strd+/CdtrRefInf/Ref", fieldCreditorRef},
		{"RmtInf/Strd/RfrdDocInf+/Nb", fieldCreditorRef},
		{"RmtInf/Strd/AddtlRmtInf+", fieldRemittance},
	})
}

// national adds the places that differ from bank to bank. Every step of theirs may repeat: the first value wins.
func (n *node) national(base string, p Places) {
	for _, group := range []struct {
		paths []string
		field field
	}{
		{p.KNP, fieldKNP},
		{p.KBK, fieldKBK},
		{p.UIP, fieldUIP},
		{p.TaxPeriod, fieldPeriod},
		{p.DebtorCode, fieldDebtorCode},
		{p.CreditorCode, fieldCreditorCode},
	} {
		for _, path := range group.paths {
			n.add(base, []place{{strings.ReplaceAll(path, "/", "+/") + "+", group.field}})
		}
	}
}

func (n *node) pain001(places Places) {
	const base = "CstmrCdtTrfInitn"
	n.add(base, []place{
		{"GrpHdr/MsgId", fieldMessageID},
		{"GrpHdr/CreDtTm", fieldCreated},
		{"GrpHdr/NbOfTxs", fieldCount},
		{"GrpHdr/CtrlSum", fieldSum},
		{"GrpHdr/InitgPty/Nm", fieldInitiator},
		{"PmtInf+", blockGroup},
		{"PmtInf/PmtInfId", fieldGroupID},
		{"PmtInf/NbOfTxs", fieldGroupCount},
		{"PmtInf/CtrlSum", fieldGroupSum},
		{"PmtInf/ReqdExctnDt", fieldGroupDate},
		{"PmtInf/ReqdExctnDt/Dt", fieldGroupDate},
		{"PmtInf/ReqdExctnDt/DtTm", fieldGroupDate},
		{"PmtInf/CdtTrfTxInf+", blockOrder},
	})
	n.parties(base+"/PmtInf", base+"/PmtInf")
	n.order(base+"/PmtInf/CdtTrfTxInf", places)
	n.add(base+"/PmtInf/CdtTrfTxInf", []place{{"Amt/InstdAmt", fieldAmount}})
}

func (n *node) pacs008(places Places) {
	const base = "FIToFICstmrCdtTrf"
	n.add(base, []place{
		{"GrpHdr/MsgId", fieldMessageID},
		{"GrpHdr/CreDtTm", fieldCreated},
		{"GrpHdr/NbOfTxs", fieldCount},
		{"GrpHdr/CtrlSum", fieldSum},
		{"GrpHdr/TtlIntrBkSttlmAmt", fieldTotal},
		{"GrpHdr/IntrBkSttlmDt", fieldSettlementDate},
		{"CdtTrfTxInf+", blockOrder},
	})
	n.order(base+"/CdtTrfTxInf", places)
	n.add(base+"/CdtTrfTxInf", []place{
		{"IntrBkSttlmAmt", fieldAmount},
		{"IntrBkSttlmDt", fieldValueDate},
		{"InstdAmt", fieldInstructed},
	})
}

func (n *node) order(base string, places Places) {
	n.add(base, []place{
		{"PmtId/InstrId", fieldInstruction},
		{"PmtId/EndToEndId", fieldEndToEnd},
		{"PmtId/UETR", fieldUETR},
		{"PmtId/TxId", fieldTransaction},
		{"PmtId/ClrSysRef", fieldClearingRef},
		{"Purp/Cd", fieldPurpose},
	})
	n.parties(base, base)
	n.remittance(base)
	n.national(base, places)
}

func (n *node) pain002() {
	const base = "CstmrPmtStsRpt"
	n.add(base, []place{
		{"GrpHdr/MsgId", fieldMessageID},
		{"GrpHdr/CreDtTm", fieldCreated},
		{"OrgnlGrpInfAndSts", blockGroupStatus},
		{"OrgnlGrpInfAndSts/OrgnlMsgId", fieldTxMessage},
		{"OrgnlGrpInfAndSts/GrpSts", fieldTxStatus},
		{"OrgnlPmtInfAndSts+", blockInfoStatus},
		{"OrgnlPmtInfAndSts/OrgnlPmtInfId", fieldTxInfo},
		{"OrgnlPmtInfAndSts/PmtInfSts", fieldTxStatus},
		{"OrgnlPmtInfAndSts/TxInfAndSts+", blockStatus},
		{"OrgnlPmtInfAndSts/TxInfAndSts/StsId", fieldOtherRef},
		{"OrgnlPmtInfAndSts/TxInfAndSts/OrgnlInstrId", fieldInstruction},
		{"OrgnlPmtInfAndSts/TxInfAndSts/OrgnlEndToEndId", fieldEndToEnd},
		{"OrgnlPmtInfAndSts/TxInfAndSts/OrgnlUETR", fieldUETR},
		{"OrgnlPmtInfAndSts/TxInfAndSts/TxSts", fieldTxStatus},
		{"OrgnlPmtInfAndSts/TxInfAndSts/AcctSvcrRef", fieldBankRef},
		{"OrgnlPmtInfAndSts/TxInfAndSts/ClrSysRef", fieldClearingRef},
		{"OrgnlPmtInfAndSts/TxInfAndSts/OrgnlTxRef/Amt/InstdAmt", fieldAmount},
	})
	for _, level := range []string{"OrgnlGrpInfAndSts", "OrgnlPmtInfAndSts", "OrgnlPmtInfAndSts/TxInfAndSts"} {
		n.add(base+"/"+level, []place{
			{"StsRsnInf+/Rsn/Cd", fieldReason},
			{"StsRsnInf/Rsn/Prtry", fieldReason},
			{"StsRsnInf/AddtlInf+", fieldReasonText},
		})
	}
}
