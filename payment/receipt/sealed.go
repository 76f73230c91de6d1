package receipt

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
)

// AttachmentName is the file in the PDF of a receipt that holds its core in canonical JSON.
const AttachmentName = "receipt.json"

// updatesMax bounds the updates of a PDF that are looked at.
const updatesMax = 16

// BeginsWithPage tells whether a PDF is the page of which a core has the digest, or that page with updates behind it, as a seal is one. That alone says nothing
// of what a reader shows: updates may change it, and the seal has to be judged.
func BeginsWithPage(pdf []byte, c Core) bool { return BeginsWith(pdf, c.PDFSHA256) }

// BeginsWith is [BeginsWithPage] for a page of which the digest is known, hex.
func BeginsWith(pdf []byte, pageSHA256 string) bool {
	if digestOf(pdf) == pageSHA256 {
		return true
	}
	end := []byte("%%EOF")
	at := 0
	for range updatesMax {
		next := bytes.Index(pdf[at:], end)
		if next < 0 {
			return false
		}
		at += next + len(end)
		// The line may end where the page does, or with the update.
		if digestOf(pdf[:at]) == pageSHA256 || at < len(pdf) && pdf[at] == '\n' && digestOf(pdf[:at+1]) == pageSHA256 {
			return true
		}
	}
	return false
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
