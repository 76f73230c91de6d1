// Package catalog describes what can be paid through the gateway and how much it costs: agencies, banks, paid
// services with their budget codes, and tariffs.
//
// Law is data here. A service carries its names in three languages, its KBK (budget classification), KNP (purpose
// code), КБе (sector of the beneficiary) and beneficiary; a tariff is a row with validity dates, a kind and a
// named rounding; МРП, the monthly calculation index to which duties are tied, is a dated table of its own (R3,
// R4). [Service.Price] turns a service, the table, a date and, for court fees, a claim into an amount together with how
// it came about, so that a receipt can show it, and into what is due on a day within a discount window.
//
// Everything is pure: values in, values out. Dates are civil dates in the Almaty time zone.
package catalog
