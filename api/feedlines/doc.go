// Package feedlines reads feeds of debts: newline-delimited JSON, one item to a line, each read strictly by itself, or one JSON
// array of items. A line or element that is no item is told as such and the next one is read; nothing but the end of the stream ends
// a feed of lines, and brackets that do not close end an array.
//
// Memory is that of one line, whatever the feed: a line above [LineMax] is passed over without being kept.
package feedlines
