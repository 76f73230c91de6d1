// Package hsm makes, keeps and uses private keys that live in PKCS#11 tokens. It is the only importer of PKCS#11.
//
// [Open] opens a token by its label. [Token.Generate] makes a key that signs and can never leave, [Token.Key] finds one
// again, and a [Key] is a crypto.Signer. [Token.ImportCertificate] and [Token.Certificate] keep the certificate beside
// its key. What cannot be done is refused with an error that a caller can branch on; see the Err variables.
//
// # What is promised
//
//  1. No wrong signature leaves. PKCS#11 numbers handles anew with every initialisation, so that an old handle may name
//     another key, and C_SignInit accepts it. Therefore handles belong to one connection and are never used on another,
//     a key that is looked up again must have the public key that it had, and every signature is verified in Go with
//     that public key before it is returned.
//  2. Every call ends at its deadline: that of its context or Config.CallTimeout, whichever is earlier. A call in C
//     cannot be cancelled; its caller leaves and its result is thrown away.
//  3. A module that hangs costs Config.SessionsMax threads and no more. What exceeds the queue is refused with ErrBusy,
//     and once no session comes back everything is refused at once with ErrUnavailable.
//  4. A token that was lost comes back by itself: a session that was closed, a login that was ended, a library that
//     somebody finalised, a token that was removed, restarted or set up anew. Calls under way are repeated on the new
//     connection as long as their deadline allows, since a signature that nobody has seen has no effect.
//  5. A PIN is never tried into a lock-out: one that was refused is not tried again by this process until the token
//     shows that somebody has logged in since, and none is tried when the next failure would lock it.
//  6. A key that could leave the token, might have left it before, or could do anything but sign, is refused.
//
// # How it works
//
// A library is one per process, whoever opens it, so all Tokens of one module share it. A gate lets calls in and lets
// one caller at a time have the library to itself, to initialise and finalise it. One supervisor for each Token makes
// its connection: first on the library as it is, then, when that does not help, on the library initialised anew, which
// the other Tokens of the module feel as a pause. SessionsMax workers take calls from one queue, each in a session of
// its own. Callers verify, so that a session is free again while its last signature is checked.
//
// Signing is one call into C (C_SignInit and C_Sign, no length query, two round trips on a network HSM). Key pairs and
// certificates are made by crypto11; why it works alone, see ceremony.go.
//
// # Deviations
//
//   - crypto.Signer allows any hash; SHA-1, MD5 and SHA-224 are refused, and for Ed25519 prehashing and contexts.
//   - crypto.Signer's source of randomness is not used: the token has its own.
//
// # Limits
//
// A module that never returns from a call keeps its threads, and its library cannot be initialised anew while one is
// inside; only the end of the process that holds it frees them. Until then its tokens are refused.
package hsm
