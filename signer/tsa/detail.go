package tsa

import (
	"encoding/hex"
	"time"

	"qaqpa/signer/tsp"
)

// detail is what the audit log keeps of a token: a JSON object. Nothing in it has to be quoted: hexadecimal digits, the name of a hash, a
// dotted OID that Statement.Encode has taken, and a time.
func detail(s tsp.Statement) []byte {
	b := make([]byte, 0, 160+2*len(s.Asked.Imprint)+2*len(s.Serial))
	b = s.At.AppendFormat(append(b, `{"at":"`...), time.RFC3339Nano)
	b = append(append(b, `","hash":"`...), s.Asked.Hash.Name()...)
	b = hex.AppendEncode(append(b, `","imprint":"`...), s.Asked.Imprint)
	b = append(append(b, `","policy":"`...), s.Policy...)
	b = hex.AppendEncode(append(b, `","serial":"`...), s.Serial)
	return append(b, `"}`...)
}

// subject names a token in the audit log. The bucket behind the prefix spreads the entries over the chains.
func subject(serial []byte) string {
	b := hex.AppendEncode(append(make([]byte, 0, 6+2*len(serial)), "tst_"...), serial[len(serial)-1:])
	return string(hex.AppendEncode(b, serial))
}
