// Package debt holds arrears and fees that agencies pass to the gateway (R9): what a batch item may contain, and
// what becomes of it given what is already stored.
//
// The rules are pure: [Decide] takes an item and the stored debt and says whether the item makes a new debt,
// amends or reopens one, repeats it, or is refused and why. A debt that somebody is paying is never changed under
// the payer's hands.
package debt
