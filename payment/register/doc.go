// Package register writes what the gateway tells about payments: orders and registers per bank, day, KBK and beneficiary, what banks
// owe by day (R6), and what is disclosed of single payments to agencies and courts (R10).
//
// A [Register] is a list of payments under one id. [Write] renders it as pain.001, pacs.008, MT102, 1CClientBankExchange, CSV or XLSX.
// The same register gives the same bytes, XLSX aside, whose library packs them as it likes; each format carries the number of payments
// and their sum, so that a cut file is noticed, and what qaqpa/payment/statement reads back is what was written. Sealing is the
// caller's. XLSX of more than 16 MB are gathered in a temporary file by their library; everything else is pure.
//
// What was taken back of payments (refunds, corrections, returns of the treasury) stands in the tables, CSV and XLSX, behind the payments, with its kind
// in the column back and its amount below zero; count and sum are over both. The other formats order money on or list orders, and have no word for it.
//
// Nothing is left out or replaced on the way: what a format cannot hold (a character that its encoding lacks, a reference that is too
// long, an amount in another currency) is an error that names the payment. MT102 is upper case by its rules; names and purposes are
// turned so. CSV puts an apostrophe in front of a text that a spreadsheet would take for a formula.
//
// # Places
//
// КНП and КБК stand in ISO 20022 where statement.DefaultPlaces reads them: Purp/Prtry and Tax/Rcrd/CtgyDtls; ИИН and БИН in
// Id/PrvtId/Othr and Id/OrgId/Othr with the scheme IIN and BIN.
package register
