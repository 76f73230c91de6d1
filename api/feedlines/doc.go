// Package feedlines reads feeds of debts: newline-delimited JSON, one item to a line, each read strictly by itself. A line
// that is no item is told as such and the next one is read; nothing but the end of the stream ends a feed.
//
// Memory is that of one line, whatever the feed: a line above [LineMax] is passed over without being kept.
package feedlines
