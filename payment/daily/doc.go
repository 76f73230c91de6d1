// Package daily renders the report of reconciliation on one bank and day, for people: PDF and XLSX, in Kazakh and Russian side by side,
// with charts.
//
// A [Report] is plain numbers, gathered by the caller; the same report gives the same PDF. Sealing is the caller's.
package daily
