// Package pain writes payment orders as ISO 20022 files (pain.001.001.09) and reads what a bank answers to them
// (pain.002.001, versions 03 to 14). It is pure: values and bytes in, bytes and values out.
//
// A payment of the gateway is one PmtInf: one debit of the payer for all of its beneficiaries, or none. PmtInfId and InstrId are
// the 34 hex digits of our attempt, EndToEndId those under which the credit shows in statements: of the attempt, or of its
// allocation. MsgId names the file; a bank takes a file once under a MsgId.
//
// Only ACSC and ACCC mean that money moved. A rejection for the reason that the file or payment is a duplicate says nothing about
// the first one and is never taken for a refusal; a status that is not known here means nothing, too.
//
// # Deviations
//
// DbtrAcct, which the schema wants, names the payer (IIN or BIN) in place of an account: which of his accounts is debited is between
// the bank and its client. KNP stands in Purp/Prtry, KBK in Tax/Rcrd/CtgyDtls, КБе in a second RmtInf/Ustrd as /KBE/: the national
// usage guide is not public, and this is where package statement looks, too.
package pain
