// Package mandate is an agreement for repeated payments: what a payer signs once, and whether a payment stays within it. It does no I/O.
package mandate
