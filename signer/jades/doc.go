// Package jades adds to a JSON Web Signature what lets it be judged for longer: time stamps and evidence in the unsigned etsiU, in
// flattened JSON (ETSI TS 119 182-1 5.3; RFC 7515 7.2.2).
//
// Elements of etsiU are base64url strings, the form whose archive time stamps need no canonical JSON. The octets that time stamps cover
// are held against the documents of DSS in tests.
//
// It is a pure leaf: it makes and does not judge.
package jades
