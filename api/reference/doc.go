// Package reference reads the gateway's OpenAPI contract into what the developers' page shows: operations by their tags,
// and the shapes of bodies. The contract is the one that is published and that tests hold the gateway to, so that the page
// cannot say anything else.
//
// [Read] does no I/O; a [Contract] is immutable and safe for concurrent use.
package reference
