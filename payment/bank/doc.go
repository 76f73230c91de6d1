// Package bank speaks with second-level banks: the messages of the payment interface and a client that carries them
// over HTTP.
//
// All messages are JSON inside attached CMS signatures (DER), Content-Type application/pkcs7-mime. Parsing is pure
// and strict: unknown fields, duplicate keys, trailing data and values out of range are refused. Signatures are
// checked by the caller, before the content is parsed.
package bank
