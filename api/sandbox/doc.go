// Package sandbox reads what a gateway that is a sandbox gives to developers: API keys of test clients, and test data to use them on.
//
// A sandbox is a gateway of its own, with a database of its own, whose payers, banks and authorities are invented: `qaqpa demo --stay`
// is one. What makes it harmless is checked by who offers it: `serve` refuses to be a sandbox where certificates of real people are
// believed, and the developers' page hands nothing out while a bank is reachable elsewhere than on the gateway's own machine.
//
// [Read] does no I/O; a [Sandbox] is immutable and safe for concurrent use.
package sandbox
