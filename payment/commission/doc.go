// Package commission decides what a bank takes for executing a payment, and who bears it.
//
// [Terms] are data with validity dates: for a bank, and there for one service, for one agency, or for all. [Decide] picks the
// terms of each debt of a payment on a day, makes one [Charge] of all that falls under the same terms (so that a least and a
// most amount hold once for a payment), and divides it over the debts without losing or making a tiyn.
//
// A commission is never a part of the amount that is owed: the beneficiary is due the debt, whole. The payer pays a commission
// on top of it, or the agency owes it to the bank.
//
// Terms borne by nobody are a prohibition. They name the act that forbids a commission, hold for every bank, and win over all
// other terms; terms that could never apply because of one are refused.
//
// # Deviations
//
// Terms do not tell natural persons from companies: an IIN and a BIN look alike to a program (their digits carry no meaning
// since Government resolution 853 of 26.08.2013), and who signs is known only after the amount was shown.
//
// Everything is pure and integer: values in, values out; amounts in tiyn, rates in basis points.
package commission
