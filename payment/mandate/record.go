package mandate

import (
	"fmt"
	"time"

	"qaqpa/payment/canon"
)

// RecordType marks the gateway's own record of an order that an agreement authorised.
const RecordType = "mandate-authorisation"

// Record is what the gateway keeps in place of a signature of an order that an agreement authorised: it binds the order's document to that of the
// agreement, over which there is a signature. It names both by their digests alone.
type Record struct {
	Type  string `json:"type"`
	Order string `json:"order"`
	// DocumentSHA256 is of the order's document, MandateSHA256 of the agreement's, hex.
	DocumentSHA256 string `json:"document_sha256"`
	Mandate        string `json:"mandate"`
	MandateSHA256  string `json:"mandate_sha256"`
	// Verdict names the stored one on the signature under the agreement.
	Verdict string `json:"verdict"`
	// At is RFC 3339 in UTC.
	At string `json:"at"`
}

// Encode renders the record in canonical JSON.
func (r Record) Encode() ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, err
	}
	return canon.Marshal(r)
}

// DecodeRecord reads a record, which must be canonical.
func DecodeRecord(raw []byte) (Record, error) {
	var r Record
	if err := canon.DecodeExact(raw, &r); err != nil {
		return Record{}, err
	}
	return r, r.check()
}

func (r Record) check() error {
	if r.Type != RecordType || r.Order == "" || r.Mandate == "" || len(r.DocumentSHA256) != 64 || len(r.MandateSHA256) != 64 {
		return fmt.Errorf("couldn't take a record of type %q", r.Type)
	}
	if _, err := time.Parse(time.RFC3339Nano, r.At); err != nil {
		return fmt.Errorf("couldn't read the time of the record: %w", err)
	}
	return nil
}
