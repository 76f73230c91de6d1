// Package hsm makes, keeps and uses private keys that live in PKCS#11 tokens.
package hsm
