// Package egovmobile is a stand-in of the application eGov Mobile: it takes the text of a QR code, asks the gateway what to
// sign, signs it with a key of the test PKI, and puts the signature back; or does one of these steps wrongly.
package egovmobile
