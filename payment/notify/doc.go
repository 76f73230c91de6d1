// Package notify tells agencies of payments: webhooks by Standard Webhooks with asymmetric signatures (v1a, Ed25519),
// so that the receiver holds no secret; beside them, for receivers that know only secrets, symmetric ones (v1, HMAC).
//
// [Sign] makes the headers; [AddHMAC] adds to them; [Client] delivers with limits of time and size, follows no redirects, and refuses addresses
// inside the operator's own network when it connects, after the name was resolved, so that a name that changes its
// address between check and use gains nothing. [Backoff] says when to try again. The outbox itself, and the log of
// deliveries, belong to the caller.
package notify
