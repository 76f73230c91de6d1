// Package auth keeps the API keys of agencies, banks, portals and operators, and the sessions of people who signed in
// with their EDS, and says who calls.
//
// A key is shown once, as `qk_<id>_<secret>`. The id names the row; the secret is 32 random bytes, of which the
// database holds SHA-256 alone. A plain hash is enough, and a slow one would only cost time, because nobody can
// guess 256 random bits. Comparison is constant-time.
//
// A session begins with a signature over a challenge of ours; the browser then holds 32 random bytes, of which again the
// database holds the hash alone. Sessions live in the database and not in signed cookies, so that ending one ends it.
//
// # Own data only
//
// A key belongs to a subject: an agency's id, a bank's BIC, a portal's or operator's name. [Caller] carries it to the
// handlers, which narrow every query to it.
//
// # Concurrency and bounds
//
//  1. A [Store] is safe for concurrent use.
//  2. Rows are remembered for [Config.CacheTTL] in a bounded cache, so a key that another process revoked may work
//     that long. A key revoked through this Store ends at once.
//  3. Ids never seen before are looked up at a bounded rate; beyond it the answer is [ErrBusy] without a query, so
//     that made-up keys cannot keep the database from its work. Keys in use are not held up by it.
//  4. When the database cannot be asked, nobody gets in.
package auth
