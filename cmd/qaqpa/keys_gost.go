package main

import (
	"context"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"

	"qaqpa/hsm"
	"qaqpa/signer/algo"
)

// parseGOST lets hsm verify what GOST keys of a token sign: it has no arithmetic of these curves itself.
func parseGOST(spki []byte) (hsm.GOSTKey, error) {
	pub, err := algo.ParsePublicKey(spki)
	if err != nil {
		return nil, fmt.Errorf("couldn't read a GOST public key: %w", err)
	}
	key, ok := pub.Key.(hsm.GOSTKey)
	if !ok {
		return nil, errors.New("the public key is none of GOST")
	}
	return key, nil
}

// gostDigest is the hash that belongs to a GOST key, and the signature algorithm of RFC 9215 with it; false for other keys.
func gostDigest(k *hsm.Key) (hash algo.Hash, signature []int, is bool) {
	key, is := k.Public().(hsm.GOSTKey)
	switch {
	case !is:
		return 0, nil, false
	case len(key.Bytes()) == 64:
		return algo.Streebog256, []int{1, 2, 643, 7, 1, 1, 3, 2}, true
	}
	return algo.Streebog512, []int{1, 2, 643, 7, 1, 1, 3, 3}, true
}

// certificationRequest is PKCS#10 (RFC 2986 4); Go's library writes none for GOST.
type certificationRequest struct {
	Info      asn1.RawValue
	Algorithm pkix.AlgorithmIdentifier
	Signature asn1.BitString
}

type certificationRequestInfo struct {
	Version    int
	Subject    pkix.RDNSequence
	PublicKey  asn1.RawValue
	Attributes asn1.RawValue
}

// gostRequest is the certificate request of a GOST key, in the form of RFC 9215.
func gostRequest(ctx context.Context, k *hsm.Key, record recordUse, subject pkix.Name) ([]byte, error) {
	hash, oid, is := gostDigest(k)
	if !is {
		return nil, fmt.Errorf("key %q is none of GOST", k.Label())
	}
	info, err := asn1.Marshal(certificationRequestInfo{
		Subject: subject.ToRDNSequence(), PublicKey: asn1.RawValue{FullBytes: k.SPKI()},
		Attributes: asn1.RawValue{FullBytes: []byte{0xa0, 0}}, // none
	})
	if err != nil {
		return nil, fmt.Errorf("couldn't write the certificate request: %w", err)
	}
	signature, err := k.Recorded(record).SignContext(ctx, hash.Sum(nil, info), nil)
	if err != nil {
		return nil, err
	}
	slices.Reverse(signature) // RFC 9215 2: s‖r, big-endian
	return asn1.Marshal(certificationRequest{
		Info: asn1.RawValue{FullBytes: info}, Algorithm: pkix.AlgorithmIdentifier{Algorithm: oid},
		Signature: asn1.BitString{Bytes: signature, BitLength: 8 * len(signature)},
	})
}
