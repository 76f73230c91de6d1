// Package jsononce tells JSON documents with one reading from others, for documents of an operator that say whom and what to believe.
package jsononce
