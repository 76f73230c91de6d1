// Package tsa is the gateway's time-stamping authority (RFC 3161, RFC 5816, profile EN 319 422), with a key of the token.
//
//   - The clock is checked, by the kernel's state of synchronisation or by NTP servers, and watched for jumps; while it is unsure,
//     or its error bound exceeds the accuracy that tokens state, requests are refused with timeNotAvailable.
//   - Serial numbers never repeat, in any instance and after any crash: each start takes a number of its own from the database,
//     and counts behind it.
//   - Within one instance no two tokens have the same time and later tokens have later times. With Config.Ordering tokens say so
//     for the whole authority; then only one instance serves at a time: each holds a lease in the database that ends after every
//     time it may state, and the next one starts behind it.
//   - Every token is in the audit log before it leaves.
//   - A certificate that has ended or was withdrawn stops the authority before the key is asked.
//
// What is refused for its form, its algorithm or its policy gets a response that says so; errors are for what has no response:
// a database that is away, a token that is busy.
//
// # Deviations
//
//   - SHA-1 and MD5 imprints are refused (ETSI TS 119 312), as are request extensions: none is known.
//   - signing-time is among the signed attributes beside the content's genTime; it is the same moment, cut to seconds.
package tsa
