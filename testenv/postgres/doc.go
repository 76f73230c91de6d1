// Package postgres runs private PostgreSQL servers for tests, the demonstration and local runs.
//
// Each server is a cluster of its own: own data folder, own unix socket, no TCP port, an operating-system user
// that is not root. Nothing that is already installed or running on the machine is touched; only Debian's
// programs initdb and postgres are used.
//
// There are two ways to use it:
//
//   - [Start] opens (and at the first time makes) a cluster in a folder that stays. With Config.Durable it runs
//     with fsync, full_page_writes and synchronous_commit on, so that what was committed survives [Server.Kill].
//   - [ForTest] gives a test a database of its own, copied from a migrated template. One server serves a whole
//     test binary and dies with it.
package postgres
