// Package statement reads what banks send about money: statements, notices, registers and statuses, in whatever format it comes.
//
// [Read] recognises the format by content, streams the file through a [Handler] in flat memory and returns a [Summary]:
//
//	camt.052, camt.053, camt.054 (versions 2 to 13), pain.001, pain.002, pacs.008, perhaps in an envelope
//	MT940, MT942; MT100 and MT102 of the КЦМР; 1CClientBankExchange of Kazakhstan; CSV by a [Mapping]
//
// A file becomes statements, a statement becomes entries (what the bank booked), an entry has details (single transactions: one, or
// many for a batch). A fault of form is an [*Error] with line and path, and the whole file is to be dropped: what the handler got
// before it stands for nothing. Whether a readable statement is also right (opening + entries = closing, totals, currency, a copy,
// batch sums) are [Check]s of its [Trailer], each with a name and a result; a caller decides which of them it insists on. What
// needs earlier statements, gaps in numbering, duplicates and replacements, is judged by [Judge] from what the caller remembers.
//
// Everything is pure: bytes in, values out. A reader belongs to one goroutine; functions may be called concurrently.
//
// # Money
//
// Amounts are hundredths of the unit in every currency, also in those that have no or three decimals by ISO 4217, since [money.Amount] prints
// and reads so. A third decimal that is not zero is refused.
package statement
