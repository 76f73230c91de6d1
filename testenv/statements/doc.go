// Package statements makes bank statements of any size with known defects, and the truth about them.
//
// A [Plan] is a pure function of its [Config]: payment i, the defect that meets it and the entries that the bank books for it follow
// from the seed and the index alone, so a million entries are written as a stream, twice the same, and the truth needs no memory.
// It shares no code with the product: a generator that shares its readers shares their mistakes.
//
// # Defects
//
// Of every hundred payments of a day (of every full hundred exactly, of a rest about that) [Config.Share] meet each defect:
//
//	missing         no entry
//	surplus         the payment's own entry, and one that belongs to no payment: unknown reference and unknown payer
//	doubled         two equal entries, different only in the bank's reference
//	split           two entries that sum up to the payment, with its references
//	merged          two payments of one batch reference in one entry that names the batch (PmtInfId), their number and sum, and no details
//	wrong-amount    one entry with more or less money, up to 100 tenge
//	wrong-kbk       one entry with another KBK
//	late            one entry, [LateDays] days later
//	reversed        one entry and, behind it, its reversal
//	foreign         one entry in USD in the statement of an account in KZT; balances leave it out
//
// All other payments are clean: one entry, the same day. Where a clean entry bears its reference varies: EndToEndId mostly, sometimes
// InstrId, NtryRef, or the УИП in the purpose alone.
//
// # Truth
//
// [Plan.Truth] tells one [Fact] for each payment and one for each surplus entry, in order: the payment's reference, the defect, and the
// bank's references (AcctSvcrRef) of the entries that belong to it. [Plan.WriteTruth] writes them as lines of JSON:
//
//	{"payment":"PSHEP000000017","defect":"split","entries":["FT0000000017A","FT0000000017B"],"day":"2026-11-01"}
//
// A merged pair names the same entry in both facts. A reversed payment names entry and reversal. A surplus fact has no payment. The day
// is that of the payment; a late entry stands in the statement of that day + [LateDays].
package statements
