// Package jsononce tells JSON documents with one reading from others, and turns YAML with one reading into JSON, for documents of an operator
// that say whom and what to believe.
package jsononce
