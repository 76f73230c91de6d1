// Package receipt makes and checks receipts: the proof of payment that a court or an agency accepts (R11).
//
// A receipt is canonical JSON, sealed by the gateway, together with a PDF in Kazakh and Russian whose digest stands
// in the JSON. The PDF is sealed, too, with a visible mark and the JSON inside; what was drawn is what it begins with. The core carries the journal leaf of the payment, its inclusion proof and the signed checkpoint, so
// that [Verify] decides offline, with nothing but the checkpoint key, whether the payment stands in the ledger.
package receipt
