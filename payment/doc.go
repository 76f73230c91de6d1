// Package payment is the money side of the gateway: catalogue, debts, orders, attempts at banks, ledger, receipts
// and webhooks. [Service] owns every transaction; the rules it applies live in the pure packages beneath it.
//
// # What holds
//
//   - A payment's outcome is yes, no or unknown. The attempt is stored before the bank is called; unknown is looked
//     up until it is known and is never taken for no. The same attempt id is sent again only when the bank has
//     signed that it does not know it.
//   - When a bank's signed message says executed, one transaction changes attempt, order and debts, writes the
//     transfers, a journal leaf, the outbox row of the webhook and the audit entry. Nothing of it exists without the
//     rest (R6).
//   - Transfers are single rows between two accounts with a positive amount, so each is balanced by construction.
//     They are never changed; corrections are further transfers.
//   - Every call that changes something takes an [Idem]; its row commits with the effect, and a repetition returns
//     the stored result, errors included.
//
// # Time and identifiers
//
// Times are UTC, cut to microseconds as the database keeps them. Public ids are a prefix, two hex digits of the
// bucket and a time-ordered random part, so that a lookup by id reaches one shard.
//
// # Concurrency
//
// All methods of [Service] are safe for concurrent use, by several processes over one database as well.
//
// # Shared commits
//
// New orders and banks' words that a payment was executed are gathered while the commit before them is under way, and one
// transaction does all of them with a statement per table. Each member is judged by itself. What is no plain case takes a
// transaction of its own, and so does everybody when the database refuses the whole. A caller whose context ends is freed with
// [ErrUndecided]: the repetition, under the same key or with the same message, finds what happened.
//
// # Deviations
//
// The row of an idempotency key lives in the bucket of its caller and key, not in the payer's: the same key sent
// with another payer must be refused, and the payer's bucket would not see it. On one PostgreSQL this costs nothing;
// on a distributed one it makes the transaction span two shards.
package payment
