// Package bank is a stand-in of a second-level bank: an HTTP server that executes payment orders of
// the gateway, answers lookups and calls back, all in attached CMS messages, with fault knobs.
//
// It shares no code with the product: it reads the gateway's seal with its own small CMS reader.
package bank
