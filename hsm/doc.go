// Package hsm makes, keeps and uses private keys that live in PKCS#11 tokens. It is the only importer of PKCS#11.
//
// [Open] opens a token by its label, serial number or slot. [Token.Generate] makes a key that signs and can never leave, [Token.Key] finds one
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
//  6. A key that could leave the token, might have left it before, or could do anything but sign, is refused. Keys for stored data,
//     without which the data would be lost, may be made so that they leave it wrapped for a key that the token's security officer
//     trusts, and in no other way ([Token.WrapBackup]).
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
// # Fleets
//
// [OpenFleet] serves the keys of one or more tokens from worker processes ([RunWorker]), one or more for each token, so that a
// module that never returns from a call costs its process and nothing else:
//
//  1. A key that stands in several tokens is used on all of them. A call that fails is made again, on another token or in a
//     new process, as long as its deadline allows.
//  2. A watchdog kills a process whose call does not return within FleetConfig.Stall. Its calls go elsewhere; the next process
//     is up in some tens of milliseconds. One that dies again and again is started more slowly.
//  3. What fails is fenced by the kind of its error: a lost token until it is connected again, a busy one for moments, one that
//     keeps failing for longer and longer, a key that is missing, changed or wrong alone. All come back by themselves, but for
//     a PIN that was refused: it is tried once, by one of the token's processes, and never again.
//  4. Calls of different keys take fair turns by the time they take in a token. What cannot be done before its deadline, or
//     exceeds a key's limit, is refused at once with an [OverloadError] that says when to come again.
//  5. Public keys are compared wherever a key is found, and each signature is verified by the gateway, not by the worker: P-256 and
//     Ed25519 by tables (package pinned), RSA in vectors where the processor has them (package rsapub).
//  6. How many sessions are fastest is found while calls wait, unless FleetToken.Seats says it.
//  7. PINs travel over a socket pair; they are in no argument and no environment of a worker.
//
// # Deviations
//
//   - crypto.Signer allows any hash; SHA-1, MD5 and SHA-224 are refused, and for Ed25519 prehashing and contexts.
//   - crypto.Signer's source of randomness is not used: the token has its own.
//
// # Limits
//
// In a Token, a module that never returns from a call keeps its threads, and its library cannot be initialised anew while one
// is inside; only the end of the process that holds it frees them. Until then its tokens are refused. A Fleet ends the process.
package hsm
