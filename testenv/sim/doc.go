// Package sim ends processes at chosen messages: what a crash leaves behind does not depend on luck but on a number, which
// a seed draws and a replay draws again.
//
// A [Proxy] stands between a gateway and its PostgreSQL and counts the messages that the gateway sends. At the armed one it
// cuts all connections: before the message (the gateway died and it was never sent), after it (it took effect and nobody
// learnt of it), or it kills the database on it. From then on the gateway under test is dead to the world: it reaches the
// database no more, and who asks [Proxy.Dead] keeps its other messages back as well. A new gateway starts after
// [Proxy.Revive].
package sim
